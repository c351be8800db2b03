"""`ossferry explain-signature` with requests that the mock has refused, and its answers."""

import json
import shlex
import subprocess
from base64 import b64decode, b64encode
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from ossferry.cli.demo import Demo
from ossferry_uploader.oss.signing import Credentials, sign_headers
from support.after_upload import operators_bucket
from support.commands import Ran
from support.commands import run as run_command
from support.forms import Form, asked, send
from support.serve_command import COMMAND

KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
}
TOKEN = "a-security-token-that-is-secret"


def run(*arguments: str, environment: dict[str, str] = KEYS) -> Ran:
    return run_command("explain-signature", *arguments, environment=environment)


def sent(
    demo: Demo,
    *,
    secret: str = ACCESS_KEY_SECRET,
    path: str | None = None,
    token: str | None = None,
    **changes: str,
) -> tuple[str, str]:
    """Send a signed request that was changed; return it as a curl command, and the answer."""
    key = "uploads/alice-x/a b.txt"
    signed = sign_headers(
        Credentials(ACCESS_KEY_ID, secret, token),
        "PUT",
        demo.bucket,
        key,
        date=f"{demo.oss.clock.now():%Y%m%dT%H%M%SZ}",
        region="cn-hangzhou",
        headers=[("content-type", "text/plain")],
    )
    headers = dict(signed) | {name.replace("_", "-"): value for name, value in changes.items()}
    url = f"http://127.0.0.1:{demo.oss.port}/{demo.bucket}/{path or 'uploads/alice-x/a%20b.txt'}"
    answer = httpx.put(url, headers=headers, content=b"hello", trust_env=False)
    words = ["curl", url, "-X", "PUT"]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    return shlex.join(words), answer.text


def saved(folder: Path, request: str, answer: str = "") -> list[str]:
    (folder / "request.txt").write_text(request)
    if not answer:
        return [str(folder / "request.txt")]
    (folder / "answer.xml").write_text(answer)
    return [str(folder / "request.txt"), "--response", str(folder / "answer.xml")]


def test_a_request_that_the_mock_accepts_has_the_right_signature(
    demo: Demo, tmp_path: Path
) -> None:
    command, answer = sent(demo)

    ran = run(*saved(tmp_path, command), "--json")

    assert answer == ""
    found = json.loads(ran.out)
    assert (ran.code, found["is_right"], found["signature"]) == (
        0,
        True,
        found["expected_signature"],
    )
    assert found["canonical_request"].startswith(f"PUT\n/{demo.bucket}/uploads/alice-x/a%20b.txt\n")


def test_a_header_that_changed_after_signing_is_found_from_both_sides(
    demo: Demo, tmp_path: Path
) -> None:
    command, answer = sent(demo, content_type="text/plain;charset=UTF-8")
    as_signed = command.replace("text/plain;charset=UTF-8", "text/plain")

    at_the_client = run(*saved(tmp_path, command, answer))
    behind_a_proxy = run(*saved(tmp_path, as_signed, answer))

    assert at_the_client.out.splitlines()[-1].strip() == (
        "The client signed the Content-Type 'text/plain' and sent 'text/plain;charset=UTF-8'."
    )
    assert "\n- content-type:text/plain\n+ content-type:text/plain;charset=UTF-8\n" in (
        behind_a_proxy.out
    )
    assert "The header content-type differs" in behind_a_proxy.out


def test_a_path_that_was_encoded_twice_is_found(demo: Demo, tmp_path: Path) -> None:
    command, answer = sent(demo, path="uploads/alice-x/a%2520b.txt")
    as_signed = command.replace("%2520", "%20")

    ran = run(*saved(tmp_path, as_signed, answer))

    assert "\nProbable cause\n  The path was encoded twice" in ran.out


def test_another_secret_is_found(demo: Demo, tmp_path: Path) -> None:
    command, answer = sent(demo, secret="another-secret")
    (tmp_path / "secret").write_text("another-secret\n")
    arguments = saved(tmp_path, command, answer)

    theirs = run(*arguments, "--secret-file", str(tmp_path / "secret"))
    ours = run(*arguments)
    unknown = run(*arguments, environment={})

    assert f"OSS has another secret for the access key {ACCESS_KEY_ID}" in theirs.out
    assert "No common mistake explains the signature" in ours.out
    assert "Give the secret to see which." in unknown.out


def test_a_wrong_clock_is_found(demo: Demo, tmp_path: Path) -> None:
    command, _ = sent(demo)
    demo.oss.clock.advance(3600)
    _, answer = sent(demo)
    words = shlex.split(command)
    late = httpx.put(
        words[1],
        headers=dict(word.split(": ", 1) for word in words[5::2]),
        content=b"hello",
        trust_env=False,
    )
    demo.oss.clock.reset()

    ran = run(*saved(tmp_path, command, late.text))

    assert answer == ""
    assert "The client's clock is 60 minutes behind OSS's clock" in ran.out


def test_a_signed_link_is_explained(demo: Demo, tmp_path: Path) -> None:
    url = operators_bucket(demo).sign_url("GET", "uploads/alice-x/a.txt", 60, slash_safe=True)

    right = json.loads(run(*saved(tmp_path, url), "--json").out)
    wrong = json.loads(run(*saved(tmp_path, url.replace("a.txt", "b.txt")), "--json").out)

    assert (right["version"], right["place"], right["is_right"]) == ("V4", "query", True)
    assert (wrong["is_right"], wrong["key"]) == (False, "uploads/alice-x/b.txt")


def test_neither_secret_nor_token_is_printed(demo: Demo, tmp_path: Path) -> None:
    command, answer = sent(demo, token=TOKEN, content_type="text/html")
    mistaken = answer or (
        "<Error><Code>SignatureDoesNotMatch</Code>"
        f"<CanonicalRequest>PUT\nx-oss-security-token:{TOKEN}</CanonicalRequest></Error>"
    )

    for more in ((), ("--json",)):
        ran = run(*saved(tmp_path, command, mistaken), *more)
        assert ran.code == 0
        assert "x-oss-security-token" in ran.out
        for secret in (ACCESS_KEY_SECRET, TOKEN):
            assert secret not in ran.out + ran.err


def test_the_secret_of_another_key_is_not_used(demo: Demo, tmp_path: Path) -> None:
    command, _ = sent(demo)

    ran = run(*saved(tmp_path, command), environment=KEYS | {"ALIBABA_CLOUD_ACCESS_KEY_ID": "a"})

    assert "is not used, because the request is signed with the access key" in ran.err
    assert "cannot be checked without the secret" in ran.out


def test_control_characters_of_a_request_do_not_reach_the_terminal(
    demo: Demo, tmp_path: Path
) -> None:
    command, _ = sent(demo, x_oss_meta_a="1")

    ran = run(*saved(tmp_path, command.replace("x-oss-meta-a: 1", "x-oss-meta-a: \x1b[2J")))

    assert "\x1b" not in ran.out
    assert r"x-oss-meta-a:\x1b[2J" in ran.out


def test_a_request_comes_from_stdin(demo: Demo) -> None:
    command, _ = sent(demo)

    done = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, "explain-signature", "-"], input=command, env=KEYS, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "The signature is right" in done.stdout


@pytest.mark.parametrize("words", ["https://{}", "curl 'https://{}'"])
def test_a_request_may_be_the_argument_and_its_token_is_not_printed(words: str) -> None:
    query = f"x-oss-security-token={TOKEN}&Signature=x&Expires=1&OSSAccessKeyId=STS.x"
    ran = run(words.format(f"web-direct-upload.oss-cn-hangzhou.aliyuncs.com/a?{query}"))

    odd = run(f"HTTP://x/?{query}")

    assert ran.out.startswith("V1 signature in the "), ran.err
    assert odd.code == 1
    assert TOKEN not in ran.out + ran.err + odd.err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "ossferry: the request is empty; give a curl command"),
        (b"\xff\xfe", "ossferry: REQUEST: {} cannot be read (it is not UTF-8 text)."),
        (b"x" * 2_000_000, "ossferry: REQUEST: {} is larger than 1 MB; leave out the body."),
        (b"curl https://example.com/a", "ossferry: the request has no signature of OSS"),
        (
            b"curl https://example.com/a -H 'authorization: OSS a:b'",
            "ossferry: example.com does not name the bucket; give --bucket",
        ),
    ],
    ids=["empty", "binary", "large", "unsigned", "custom domain"],
)
def test_a_request_that_cannot_be_explained_is_one_sentence(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "request.txt"
    path.write_bytes(content)

    ran = run(str(path))

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith(sentence.format(path))


def test_files_that_cannot_be_read_are_one_sentence(demo: Demo, tmp_path: Path) -> None:
    command, _ = sent(demo)
    (request,) = saved(tmp_path, command)
    (tmp_path / "empty").write_text("\n")
    nowhere = str(tmp_path / "nowhere")

    said = [
        run(*arguments)
        for arguments in (
            (nowhere,),
            (request, "--response", nowhere),
            (request, "--response", request),
            (request, "--secret-file", nowhere),
            (request, "--secret-file", str(tmp_path / "empty")),
        )
    ]

    assert [each.code for each in said] == [1] * 5
    assert [each.complaint.removeprefix("ossferry: ").split(":")[0] for each in said] == [
        "REQUEST",
        "--response",
        "--response",
        "--secret-file",
        "--secret-file",
    ]


def test_a_form_with_a_field_that_the_policy_forbids_is_explained(
    demo: Demo, site: httpx.Client, tmp_path: Path
) -> None:
    form = asked(site, name="hello.txt", size=5)
    changed = form.bent({"key": "uploads/somebody/hello.txt"})

    ran = run(*explained_form(tmp_path, changed, send(demo, changed).text), environment={})

    assert (ran.code, ran.err) == (0, "")
    assert "OSS's answer\n  AccessDenied: " in ran.out
    assert f'\n  fails    {{"key": "{form["key"]}"}}\n' in ran.out
    assert "The field key is 'uploads/somebody/hello.txt'; the policy requires that it is" in (
        ran.out
    )
    assert form["x-oss-security-token"] not in ran.out
    assert form["policy"] not in ran.out


def test_a_form_whose_policy_changed_after_signing_is_explained(
    demo: Demo, site: httpx.Client, tmp_path: Path
) -> None:
    form = asked(site, name="hello.txt", size=5)
    document = json.loads(b64decode(form["policy"]))
    longer = {**document, "expiration": document["expiration"].replace("20", "21", 1)}
    changed = form.bent({"policy": b64encode(json.dumps(longer).encode()).decode()})
    refused = send(demo, changed).text
    secret = demo.oss.service.store.sessions.get(form["x-oss-credential"].partition("/")[0])
    assert secret is not None
    (tmp_path / "secret").write_text(secret.access_key_secret)
    with_secret = ("--secret-file", str(tmp_path / "secret"))

    at_the_client = run(*explained_form(tmp_path, changed, refused), *with_secret)
    behind_a_proxy = run(*explained_form(tmp_path, form, refused), *with_secret)
    right = run(*explained_form(tmp_path, form), *with_secret, "--json")

    assert "No common mistake explains the signature" in at_the_client.out
    assert f'\n-   "expiration": "{document["expiration"]}",\n' in behind_a_proxy.out
    assert f'\n+   "expiration": "{longer["expiration"]}",\n' in behind_a_proxy.out
    assert "The policy differs: OSS received another policy" in behind_a_proxy.out
    found = json.loads(right.out)
    assert (found["is_right"], found["place"], found["key"]) == (True, "form", form["key"])
    assert datetime.fromisoformat(found["expires_at"]) == datetime.fromisoformat(
        document["expiration"]
    )
    assert form["x-oss-security-token"] not in right.out + behind_a_proxy.out
    assert secret.access_key_secret not in right.out + behind_a_proxy.out


def explained_form(folder: Path, form: Form, answer: str = "") -> list[str]:
    """Return the arguments for a form that is saved as `POST /api/form` answers."""
    return saved(folder, json.dumps({"url": form.url, "fields": form.fields}), answer)

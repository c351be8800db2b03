"""Forms are read as they are saved or copied, and their signatures are explained."""

import json
import shlex
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ossferry.errors import BadRequestError
from ossferry.oss.post_object import signature
from ossferry.signatures.answers import read_answer
from ossferry.signatures.form_explanation import FormExplanation, explain_form
from ossferry.signatures.form_policy import read_policy
from ossferry.signatures.forms import SignedForm, read_form
from support.vectors import load

VECTORS: list[dict[str, Any]] = load("post_policy")["vectors"]
PLAIN, STS = VECTORS[0], VECTORS[1]
SECRET = PLAIN["access_key_secret"]
NOW = datetime(2026, 3, 14, 9, 30, 0, tzinfo=UTC)
HOST = "examplebucket.oss-cn-hangzhou.aliyuncs.com"
FIELDS: dict[str, str] = {
    **PLAIN["form_fields_v4"],
    "success_action_status": "200",
    "content-type": "image/png",
}
BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
RIGHT = "The signature is right for this form and this secret."


def body(fields: dict[str, str], *, line: str = "\r\n", after: dict[str, str] | None = None) -> str:
    """Return the body of a form, as a browser sends it."""
    parts = [f'Content-Disposition: form-data; name="{n}"\n\n{v}' for n, v in fields.items()]
    file = 'Content-Disposition: form-data; name="file"; filename="a.png"\nContent-Type: image/png'
    parts.append(f"{file}\n\nnot really an image")
    parts += [
        f'Content-Disposition: form-data; name="{n}"\n\n{v}' for n, v in (after or {}).items()
    ]
    text = "".join(f"--{BOUNDARY}\n{part}\n" for part in parts)
    return f"{text}--{BOUNDARY}--\n".replace("\n", line)


def http(fields: dict[str, str], *, host: str = HOST, **how: Any) -> str:
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\n\r\n{body(fields, **how)}"


def chrome(fields: dict[str, str]) -> str:
    text = body(fields).replace("\r\n", "\\r\\n")
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return f"curl 'https://{HOST}/' \\\n  -H 'content-type: {kind}' \\\n  --data-raw $'{text}'"


def curl(fields: dict[str, str]) -> str:
    options = " ".join(f"-F {shlex.quote(f'{name}={value}')}" for name, value in fields.items())
    return f"curl https://{HOST}/ {options} -F file=@a.png"


def saved(fields: dict[str, str]) -> str:
    return json.dumps(fields)


def of_our_api(fields: dict[str, str]) -> str:
    return json.dumps({"url": f"https://{HOST}", "fields": list(fields.items()), "max_size": 1})


def form(fields: dict[str, str], **how: Any) -> SignedForm:
    found = read_form(http(fields, **how))
    assert found is not None
    return found


def signed(document: object, secret: str = SECRET, **changes: str) -> dict[str, str]:
    """Return the fields of a form with another policy and its right signature."""
    policy = b64encode(json.dumps(document).encode()).decode()
    given = signature(secret, day="20260314", region="cn-hangzhou", policy=policy)
    return {**FIELDS, "policy": policy, "x-oss-signature": given, **changes}


def conditions(*items: object) -> dict[str, object]:
    """Return a policy with these conditions and those that OSS needs."""
    names = ("x-oss-signature-version", "x-oss-credential", "x-oss-date")
    needed = [{name: FIELDS[name]} for name in names]
    return {"expiration": "2026-03-14T10:26:53.000Z", "conditions": [*needed, *items]}


def explained(fields: dict[str, str], *, secret: str = SECRET, **how: Any) -> FormExplanation:
    return explain_form(form(fields, **how), secret=secret, now=NOW)


@pytest.mark.parametrize("vector", VECTORS, ids=[each["id"] for each in VECTORS])
def test_a_form_has_the_texts_and_the_signature_of_the_official_sdks(
    vector: dict[str, Any],
) -> None:
    found = read_form(saved(vector["form_fields_v4"]))

    assert found is not None
    explanation = explain_form(found, secret=vector["access_key_secret"], now=NOW)
    assert found.access_key_id == vector["access_key_id"]
    assert found.policy == vector["string_to_sign"]
    assert explanation.expected == found.provided == vector["v4_x_oss_signature"]
    if not vector["security_token"]:
        assert explanation.string_to_sign == vector["string_to_sign"]
        assert json.loads(explanation.policy.text) == json.loads(vector["policy_json"])


@pytest.mark.parametrize("write", [http, chrome, curl, saved, of_our_api])
def test_a_form_is_read_as_it_is_saved_or_copied(write: Any) -> None:
    found = read_form(write(FIELDS))

    assert found is not None
    assert {name: value for name, value in found.fields.items() if name != "file"} == FIELDS
    assert (found.day, found.region) == ("20260314", "cn-hangzhou")
    assert found.bucket == ("" if write is saved else "examplebucket")


def test_line_feeds_do_not_change_the_fields() -> None:
    assert form(FIELDS, line="\n").fields == form(FIELDS).fields


def test_a_request_without_a_form_is_not_a_form() -> None:
    assert read_form(f"PUT /a HTTP/1.1\nHost: {HOST}\n\nhello") is None
    assert read_form(f"curl https://{HOST}/ -d a=b") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "the saved form cannot be read"),
        ("{}", "the saved form cannot be read"),
        ('{"key": 1}', "the saved form cannot be read"),
        ('{"fields": [["key"]]}', "the saved form cannot be read"),
        ('{"fields": ["ab"]}', "the saved form cannot be read"),
        (saved({**FIELDS, "x-oss-signature": ""}), "the field x-oss-signature is missing"),
        (saved(PLAIN["form_fields_v1"]), "the form has no V4 signature of OSS"),
        (saved({**FIELDS, "x-oss-credential": "LTAI/20260314"}), "the signature is malformed"),
        (saved({**FIELDS, "x-oss-date": "today"}), "the field x-oss-date is not like"),
        (http(FIELDS, host="files.example.com"), "give --bucket"),
    ],
)
def test_what_is_no_signed_form_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(BadRequestError, match=words):
        read_form(text)


@pytest.mark.parametrize(
    "policy",
    ["!", *(b64encode(text).decode() for text in (b"{", b"[]", b"{}", b'{"conditions": 1}'))],
)
def test_what_is_no_policy_is_one_sentence(policy: str) -> None:
    with pytest.raises(BadRequestError, match="copy the whole field"):
        read_policy(policy)


def test_a_right_form_is_said_to_be_right() -> None:
    found = explained(FIELDS)

    assert [each.holds for each in found.conditions] == [*[True] * 4, None, *[True] * 3]
    assert found.causes[0].startswith(RIGHT)
    assert found.policy.expires_at == datetime(2026, 3, 14, 10, 26, 53, tzinfo=UTC)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"bucket": "another"}, "The field bucket is 'examplebucket'; the policy requires that it"),
        (["starts-with", "$key", "user/bob/"], "begins with 'user/bob/'"),
        (["eq", "$Key", "user/alice/"], "requires that it is 'user/alice/'"),
        (["in", "$content-type", ["image/gif"]], "is one of 'image/gif'"),
        (["not-in", "$content-type", ["image/png"]], "is none of 'image/png'"),
        (["eq", "$x-oss-object-acl", "private"], "The field x-oss-object-acl is missing"),
        (["starts-with", "$tag", ""], "The field tag is missing"),
        (["like", "$key", "a"], "OSS cannot read the condition"),
        (["eq", "key", "a"], "OSS cannot read the condition"),
        ({"key": 1}, "OSS cannot read the condition"),
    ],
)
def test_a_condition_that_does_not_hold_is_named(item: object, words: str) -> None:
    found = explained(signed(conditions(item)))

    assert [each.holds for each in found.conditions] == [True, True, True, False]
    (cause,) = found.causes
    assert words in cause


@pytest.mark.parametrize(
    "item",
    [
        ["not-in", "$tag", ["a"]],
        ["starts-with", "$key", ""],
        {"key": "user/alice/photo.jpg"},
        ["eq", "$price", "\\$5"],
    ],
    ids=["not there", "everything", "object", "dollar"],
)
def test_a_condition_that_holds_is_no_cause(item: object) -> None:
    assert explained(signed(conditions(item), price="$5")).causes[0].startswith(RIGHT)


def test_what_a_form_does_not_say_is_not_claimed() -> None:
    found = read_form(saved(signed(conditions({"bucket": "examplebucket"}))))
    assert found is not None

    bucket = explain_form(found, now=NOW).conditions[-1]

    assert (bucket.holds, bucket.reason) == (
        None,
        "The bucket of the form is unknown; give --bucket.",
    )
    named = read_form(
        saved(signed(conditions({"bucket": "examplebucket"}))), bucket="examplebucket"
    )
    assert named is not None
    assert explain_form(named, now=NOW).conditions[-1].holds


def test_a_missing_condition_is_named() -> None:
    document = conditions()
    document["conditions"] = list(document["conditions"])[:2]  # type: ignore[call-overload] # a list

    (cause,) = explained(signed(document)).causes

    assert cause == "The policy has no condition for the field x-oss-date, which OSS needs."


def test_a_field_after_the_file_is_named() -> None:
    (cause,) = explained(FIELDS, after={"x-oss-meta-a": "1"}).causes

    assert cause.startswith("OSS ignores x-oss-meta-a, because it comes after the file")


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (timedelta(hours=2), ["The policy expired at 2026-03-14 10:26:53 UTC; get a new form."]),
        (
            timedelta(days=8),
            [
                "The policy expired at 2026-03-14 10:26:53 UTC; get a new form.",
                "The form was signed at 2026-03-14 09:26:53 UTC; OSS allows 7 days.",
            ],
        ),
    ],
)
def test_an_old_form_is_told(later: timedelta, words: list[str]) -> None:
    assert explain_form(form(FIELDS), now=NOW + later).causes == words


def test_a_policy_without_a_time_is_told() -> None:
    document = {**conditions(), "expiration": "tomorrow"}

    assert explained(signed(document)).causes == [
        "The policy has no expiration like 2026-03-14T10:26:53.000Z."
    ]


TEXT = json.dumps(conditions())
POLICY = b64encode(TEXT.encode()).decode()
OTHER_TEXT = b64encode(json.dumps(conditions(), separators=(",", ":")).encode()).decode()


def with_signature(
    policy: str, secret: str = SECRET, region: str = "cn-hangzhou"
) -> dict[str, str]:
    given = signature(secret, day="20260314", region=region, policy=policy)
    return {**FIELDS, "policy": POLICY, "x-oss-signature": given}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (with_signature(TEXT), "The client signed the JSON of the policy, and not its base64."),
        (with_signature(OTHER_TEXT), "sent another text of the same JSON"),
        (with_signature(POLICY, secret=f"{SECRET}\n"), "secret ends in a space or a line break"),
        (with_signature(POLICY, region="oss-cn-hangzhou"), "signed for the region oss-cn-hangzhou"),
        (
            {**FIELDS, "x-oss-signature": PLAIN["v1_signature"]},
            "The client signed the policy with the method of V1",
        ),
        (with_signature(POLICY, secret="another"), "No common mistake explains the signature"),
    ],
    ids=["JSON", "another text", "line break", "region", "V1", "unknown"],
)
def test_a_mistake_of_the_client_is_found(fields: dict[str, str], words: str) -> None:
    found = explained(fields)

    assert found.expected != fields["x-oss-signature"]
    assert words in found.causes[-1]


def test_a_form_for_another_region_or_day_is_told() -> None:
    abroad = explained(FIELDS, host="examplebucket.oss-cn-shanghai.aliyuncs.com")
    late = explain_form(form({**FIELDS, "x-oss-date": "20260315T000000Z"}), now=NOW)

    assert "signed for the region cn-hangzhou and sent to cn-shanghai" in abroad.causes[0]
    assert late.causes[0].startswith("The credential names the day 20260314, and x-oss-date is")


def answer(string_to_sign: str) -> Any:
    return read_answer(
        "<Error><Code>SignatureDoesNotMatch</Code><Message>m</Message>"
        f"<StringToSign>{string_to_sign}</StringToSign></Error>"
    )


@pytest.mark.parametrize(
    ("theirs", "secret", "words"),
    [
        (PLAIN["policy_base64"], "", "OSS signed the same policy as the form has"),
        (PLAIN["policy_base64"], SECRET, "OSS has another secret for the access key LTAI5tEXAMPLE"),
        (POLICY, SECRET, "The policy differs: OSS received another policy"),
        ("bm90", SECRET, "OSS's string to sign is incomplete"),
    ],
    ids=["same, no secret", "same", "another", "cut off"],
)
def test_the_policy_of_oss_is_compared(theirs: str, secret: str, words: str) -> None:
    found = explain_form(form(FIELDS), secret=secret, answer=answer(theirs), now=NOW)

    assert words in found.causes[0]
    assert bool(found.oss_policy) == (theirs != "bm90")


def test_a_token_is_never_shown() -> None:
    token = STS["security_token"]
    fields = {**STS["form_fields_v4"], "success_action_status": "200", "content-type": "image/png"}
    wrong = {**fields, "x-oss-security-token": "another-token"}

    right, mixed = (
        explain_form(form(given), answer=answer(STS["policy_base64"]), now=NOW)
        for given in (fields, wrong)
    )

    assert "requires that it is another one" in mixed.causes[0]
    for found in (right, mixed):
        shown = repr(found.policy.text) + repr(found.conditions) + repr(found.causes)
        shown += found.string_to_sign + found.oss_policy
        assert "…(sha256 " in shown
        for secret in (token, "another-token", STS["policy_base64"]):
            assert secret not in shown

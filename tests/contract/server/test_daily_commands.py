"""`ossferry ls`, `share` and `verify`, run beside a demo."""

import io
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest
from oss2.models import BucketVersioningConfig
from PIL import Image

from ossferry.cli.demo import Demo
from ossferry.clock import utc_now
from support.after_upload import become, fetch, operators_bucket
from support.commands import Ran, environment
from support.commands import run as run_command
from support.serve_command import COMMAND
from support.uploads import put, recorded

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def daily(web_dir: Path) -> Iterator[Demo]:
    """A demo that does not reconcile during these tests."""
    with (
        patch("ossferry.background.RECONCILE_S", 300),
        patch("ossferry.uploads.refused.SETTLE", timedelta()),
        Demo(web_dir=web_dir) as demo,
    ):
        yield demo


@pytest.fixture
def site(daily: Demo) -> Iterator[httpx.Client]:
    """A client signed in as Alice, whose bucket is empty."""
    bucket = operators_bucket(daily)
    while keys := list(daily.oss.bucket(daily.bucket).objects)[:1000]:
        bucket.batch_delete_objects(keys)
    with httpx.Client(base_url=daily.url, trust_env=False) as client:
        become(client, "alice")
        yield client
    daily.oss.faults.clear()
    daily.oss.clock.reset()


@pytest.fixture
def run(daily: Demo) -> Run:
    """Runs a command with the options of the demo and with changes."""
    return lambda *arguments, **changes: run_command(
        *arguments, environment=environment(daily) | changes
    )


def in_json(ran: Ran) -> list[dict[str, object]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def hash_of(run: Run, name: str) -> str:
    return next(row[0] for row in run("admin", "principals").rows if row[1] == name)


def test_the_list_joins_bucket_and_ledger(daily: Demo, site: httpx.Client, run: Run) -> None:
    hers = recorded(daily, site)
    new = put(daily, site, b"without a receipt")
    become(site, "bob")
    his = recorded(daily, site, b"hello!")
    operators_bucket(daily).put_object("uploads/nobody-x/a.txt", b"strange")

    listed = in_json(run("ls", "--json"))

    assert [
        (row["key"], row["bytes"], row["owner"], row["crc64"])
        for row in sorted(listed, key=lambda row: str(row["key"]))
    ] == sorted(
        [
            (hers.key, 5, "Alice", hers.report["crc64"]),
            (new.key, 17, "Alice", None),
            (his.key, 6, "Bob", his.report["crc64"]),
            ("uploads/nobody-x/a.txt", 7, None, None),
        ]
    )


def test_a_list_of_one_principal_or_prefix(daily: Demo, site: httpx.Client, run: Run) -> None:
    hers = recorded(daily, site)
    become(site, "bob")
    his = recorded(daily, site)

    of_bob = run("ls", hash_of(run, "Bob"))
    of_alice = run("ls", "uploads/alice-")
    of_nobody = run("ls", "uploads/nobody/")

    head = ["key", "bytes", "stored", "owner", "owner's hash", "CRC-64", "type", "held"]
    assert [row[0] for row in of_bob.rows] == ["key", his.key]
    assert of_bob.rows[0] == head
    assert of_bob.rows[1][1:6:2] == ["5", "Bob", his.report["crc64"]]
    assert [row[0] for row in of_alice.rows] == ["key", hers.key]
    assert (of_nobody.code, of_nobody.rows) == (0, [head])


def test_a_list_of_more_than_a_page_is_complete(daily: Demo, site: httpx.Client, run: Run) -> None:
    keys = [f"uploads/many-x/{number:04}" for number in range(1002)]
    operators_bucket(daily).put_object(keys[0], b"")
    objects = daily.oss.store.objects
    first = objects.get(daily.bucket, keys[0])
    assert first is not None
    for key in keys[1:]:
        objects.put(first._replace(key=key))

    listed = run("ls", "uploads/many-x/").rows[1:]

    assert [row[0] for row in listed] == keys


def test_a_link_opens_and_is_recorded(
    daily: Demo, site: httpx.Client, run: Run, tmp_path: Path
) -> None:
    versioning = operators_bucket(daily).put_bucket_versioning
    versioning(BucketVersioningConfig("Enabled"))
    upload = recorded(daily, site, name="größe.txt")
    versioning(BucketVersioningConfig("Suspended"))
    audit = tmp_path / "audit.log"

    ran = run(
        "share", upload.key, "--days", "6", "--note", "for Käthe", OSSFERRY_AUDIT_FILE=str(audit),
        **share_key(daily),
    )  # fmt: skip
    opened = fetch(daily, ran.out.strip())

    assert (ran.code, ran.err, opened.content) == (0, "", b"hello")
    assert opened.headers["content-disposition"].startswith("attachment; ")
    listed = site.get("/api/shares").json()["shares"][0]
    assert (listed["key"], listed["note"]) == (upload.key, "for Käthe")
    line = json.loads(audit.read_text())
    assert (line["principal"], line["action"], line["outcome"]) == (
        hash_of(run, "Alice"),
        "share",
        "done",
    )


def share_key(daily: Demo) -> dict[str, str]:
    secret = daily.settings.share_access_key_secret
    assert secret is not None
    return {
        "OSSFERRY_SHARE_ACCESS_KEY_ID": daily.settings.share_access_key_id,
        "OSSFERRY_SHARE_ACCESS_KEY_SECRET": secret.get_secret_value(),
    }


def test_a_link_that_ends_early_is_told(daily: Demo, site: httpx.Client, run: Run) -> None:
    upload = recorded(daily, site)

    ran = run("share", upload.key, "--hours", "12", "--json")

    (link,) = in_json(ran)
    assert str(link["url"]).startswith("http://")
    assert ran.complaint.startswith(f"The link expires at {link['expires_at']}, earlier than")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("--days", "7", "--hours", "1"), 2, "--days and --hours: a link lasts 7 days at most."),
        (("--inline",), 1, "Only images, audio, video and plain text can be shown in place."),
        (("--note", "x" * 201), 2, "--note: at most 200 characters."),
        (("--resize", "9"), 1, "OSS processes images of at most 20 MB."),
        (("--watermark", "x" * 65), 2, "--watermark: at most 64 bytes of printable text."),
    ],
    ids=["too long", "inline", "note", "no image", "watermark"],
)
def test_a_link_has_the_rules_of_the_route(
    daily: Demo, site: httpx.Client, run: Run, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    upload = put(daily, site, b"<html>", name="a.html", headers={"content-type": "text/html"})

    ran = run("share", upload.key, *arguments, "--json")

    assert (ran.code, ran.complaint) == (code, f"ossferry: {sentence}")
    assert in_json(ran) == [{"error": sentence}]


def test_a_link_to_an_image_can_change_it(daily: Demo, site: httpx.Client, run: Run) -> None:
    upload = recorded(daily, site, picture(), name="a.png", headers={"content-type": "image/png"})
    wish = ("--resize", "40", "--watermark", "(c) Alice", "--format", "webp")

    ran = run("share", upload.key, *wish, "--json")

    (link,) = in_json(ran)
    image = Image.open(io.BytesIO(fetch(daily, str(link["url"])).content))
    assert (image.format, image.size) == ("WEBP", (40, 20))
    assert site.get("/api/shares").json()["shares"][0]["process"] == {
        "resize": {"width": 40, "height": 40},
        "watermark": "(c) Alice",
        "format": "webp",
    }


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (400, 200), "white").save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("other/a.txt", "'other/a.txt' is not the key of an upload: keys begin with uploads/."),
        ("uploads/nobody-x/a", "the ledger knows no owner of this key; `ossferry ls` lists keys."),
        ("uploads/../a", "key must be an object key, as it was uploaded."),
        ("uploads/\udcff", "key must be an object key, as it was uploaded."),
    ],
)
def test_no_link_for_a_key_that_nobody_has(
    site: httpx.Client, run: Run, key: str, sentence: str
) -> None:
    ran = run("share", key)

    assert (ran.code, ran.out, ran.complaint) == (1, "", f"ossferry: {sentence}")


def test_a_refused_link_is_in_the_audit_trail(
    daily: Demo, site: httpx.Client, run: Run, tmp_path: Path
) -> None:
    upload = recorded(daily, site)
    operators_bucket(daily).delete_object(upload.key)
    audit = tmp_path / "audit.log"

    ran = run("share", upload.key, OSSFERRY_AUDIT_FILE=str(audit))

    assert (ran.code, ran.complaint) == (1, "ossferry: OSS has no object under this key.")
    assert json.loads(audit.read_text())["outcome"] == "not-stored"


def test_objects_without_a_receipt_are_counted_until_they_are_recorded(
    daily: Demo, site: httpx.Client, run: Run
) -> None:
    run("admin", "reconcile")
    one, _ = (put(daily, site, b"without a receipt") for _ in range(2))

    both, single = run("verify"), run("verify", "--since", "2999-01-01")
    with patch("ossferry.uploads.refused.SETTLE", timedelta(seconds=600)):
        waiting = run("admin", "reconcile")
    recording, nothing = run("admin", "reconcile"), run("admin", "reconcile")
    after = run("verify", one.key)

    records = "run `ossferry admin reconcile`, which records the objects of known principals"
    assert (both.code, both.complaint) == (
        0,
        "0 uploads checked, 0 differ; 2 stored objects have no receipt and were not checked:"
        f" {records}",
    )
    assert single.complaint == "0 uploads checked, 0 differ"
    told = re.fullmatch(
        r"\d+ principals? compared, 0 differences; 2 new or changed objects may still get a receipt"
        r" from the page until (\S+); after that the server looks at them, or this command if you"
        r" run it again",
        waiting.complaint,
    )
    assert told, waiting.complaint
    assert datetime.fromisoformat(told[1]) > utc_now() + timedelta(seconds=500)
    assert [row[0] for row in recording.rows] == ["found", "found"]
    assert recording.complaint.endswith(" compared, 2 differences")
    assert (nothing.out, nothing.complaint) == (
        "",
        recording.complaint.replace("2 differences", "0 differences"),
    )
    assert after.complaint == "1 upload checked, 0 differ"


def test_changed_and_missing_objects_are_found(daily: Demo, site: httpx.Client, run: Run) -> None:
    run("admin", "reconcile")
    same, changed, longer, gone, link = (recorded(daily, site, b"hello") for _ in range(5))
    bucket = operators_bucket(daily)
    bucket.put_object(changed.key, b"olleh")
    bucket.put_object(longer.key, b"hello!")
    bucket.delete_object(gone.key)
    bucket.put_symlink(same.key, link.key)

    ran, listed = run("verify", "--json"), run("ls", "--json")
    hers, others = run("verify", "uploads/alice-"), run("verify", same.key)

    found = {
        row["key"]: (row["outcome"], row["bytes"], row["stored_bytes"]) for row in in_json(ran)
    }
    assert found == {
        changed.key: ("differs", 5, 5),
        longer.key: ("differs", 5, 6),
        gone.key: ("missing", 5, None),
        link.key: ("symlink", 5, None),
    }
    assert (ran.code, ran.complaint) == (1, "5 uploads checked, 4 differ")
    assert (hers.code, hers.out.count("\n")) == (1, 5)
    assert (others.code, others.complaint) == (0, "1 upload checked, 0 differ")
    assert {row["key"]: (row["type"], row["crc64"]) for row in in_json(listed)} == {
        same.key: (None, same.report["crc64"]),
        changed.key: (None, None),
        longer.key: (None, None),
        link.key: ("symlink", None),
    }


def test_a_day_without_uploads_is_verified_but_not_a_key_without_a_receipt(
    site: httpx.Client, run: Run
) -> None:
    later = run("verify", "--since", "2999-01-01")
    nowhere = run("verify", "uploads/nobody-x/a.txt")

    assert (later.code, later.complaint) == (0, "0 uploads checked, 0 differ")
    assert (nowhere.code, nowhere.complaint) == (
        1,
        "ossferry: no receipt of a stored upload matches; `ossferry ls` lists keys.",
    )


def test_a_local_file_is_compared_with_a_stored_object(
    daily: Demo, site: httpx.Client, run: Run, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 8000
    upload = put(daily, site, content)
    same, other = tmp_path / "same.bin", tmp_path / "other.bin"
    same.write_bytes(content)
    other.write_bytes(content[::-1])

    good = run("verify", upload.key, "--file", str(same), "--json")
    bad = run("verify", upload.key, "--file", str(other), "--json")

    (row,) = in_json(good)
    assert (good.code, row["outcome"], row["crc64"]) == (0, "same", upload.report["crc64"])
    (row,) = in_json(bad)
    assert (bad.code, row["outcome"], row["stored_crc64"]) == (1, "differs", upload.report["crc64"])
    assert row["crc64"] != row["stored_crc64"]


def test_a_file_or_object_that_is_not_there_is_one_sentence(
    daily: Demo, site: httpx.Client, run: Run, tmp_path: Path
) -> None:
    upload = put(daily, site, b"hello")
    path = tmp_path / "none"

    no_file = run("verify", upload.key, "--file", str(path))
    no_object = run("verify", upload.key + "x", "--file", str(tmp_path))
    operators_bucket(daily).put_symlink(upload.key, upload.key + "y")
    link = run("verify", upload.key + "y", "--file", str(tmp_path))
    no_key = run("verify", "--file", str(path))
    both = run("verify", upload.key, "--file", str(path), "--since", "2026-01-01")

    assert [each.code for each in (no_file, no_object, no_key, both)] == [1, 1, 2, 2]
    assert no_file.complaint == (
        f"ossferry: --file: {path} cannot be read (No such file or directory)."
    )
    assert no_object.complaint == (
        f"ossferry: OSS has no object '{upload.key}x'; `ossferry ls` lists keys."
    )
    assert link.complaint == f"ossferry: '{upload.key}y' is a symlink, which no command follows."
    assert no_key.complaint == (
        "ossferry: --file needs the key of the stored object: `ossferry verify KEY --file FILE`."
    )
    assert both.complaint == "ossferry: --since and --file cannot be used together."


def test_a_link_without_an_audit_trail_is_not_printed(
    daily: Demo, site: httpx.Client, run: Run
) -> None:
    upload = recorded(daily, site)

    ran = run("share", upload.key, OSSFERRY_AUDIT_FILE="/dev/full")

    assert (ran.code, ran.out) == (1, "")
    assert ran.complaint.startswith("ossferry: the audit trail cannot be written; check OSSFERRY_A")


COMMANDS = [
    pytest.param(("ls",), id="ls"),
    pytest.param(("share", "uploads/alice-x/a"), id="share"),
    pytest.param(("verify",), id="verify"),
]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_server_without_a_role_for_objects_cannot_run_them(
    run: Run, arguments: tuple[str, ...]
) -> None:
    ran = run(*arguments, OSSFERRY_OBJECTS_ROLE_ARN="")

    assert ran.code == 1
    assert ran.out == ""
    assert ran.complaint.startswith("ossferry: OSSFERRY_OBJECTS_ROLE_ARN")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tMockNobody"},
            "ossferry: Alibaba Cloud does not accept the credentials (InvalidAccessKeyId.",
        ),
        (
            {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"},
            "ossferry: Alibaba Cloud does not accept the credentials (SignatureDoesNotMatch): ",
        ),
        (
            {"OSSFERRY_OBJECTS_ROLE_ARN": "acs:ram::1000000000000000:role/nobody"},
            "ossferry: STS issues no credentials (EntityNotExist.Role, request id ",
        ),
        (
            {"OSSFERRY_STS_ENDPOINT": "http://127.0.0.1:9"},
            "ossferry: STS gives no usable answer (no-answer); check the network and ",
        ),
        (
            {"OSSFERRY_OBJECTS_ENDPOINT": "http://127.0.0.1:9"},
            "ossferry: OSS gives no usable answer (no-answer); check the network and ",
        ),
        (
            {"OSSFERRY_BUCKET": "no-such-bucket-here"},
            "ossferry: OSS refuses the request (NoSuchBucket, request id ",
        ),
        (
            {"OSSFERRY_DATABASE_URL": "postgresql://a:b@127.0.0.1:9/x"},
            "ossferry: the ledger does not answer, or cannot be written (ConnectionRefusedError: ",
        ),
        (
            {"OSSFERRY_DATABASE_URL": "sqlite:////dev"},
            "ossferry: the ledger's file cannot be opened (unable to open database file); let the"
            " server's user write the folder of the file, ",
        ),
        ({"OSSFERRY_DATABASE_URL": "sqlite:////nowhere/x.db"}, "ossferry: OSSFERRY_DATABASE_URL: "),
    ],
    ids=["key", "secret", "role", "sts", "oss", "bucket", "ledger", "file", "folder"],
)
def test_the_cause_of_a_failure_is_one_sentence(
    run: Run, changes: dict[str, str], sentence: str
) -> None:
    ran = run("ls", "--json", **changes)

    assert ran.code == 1
    assert in_json(ran) == [{"error": ran.complaint.removeprefix("ossferry: ")}]
    assert ran.complaint.startswith(sentence)
    assert ran.err == f"{ran.complaint}\n"


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_clock_that_is_an_hour_wrong_is_one_sentence(
    daily: Demo, site: httpx.Client, run: Run, arguments: tuple[str, ...]
) -> None:
    upload = recorded(daily, site)
    daily.oss.clock.advance(3600)

    ran = run(*(upload.key if each.startswith("uploads/") else each for each in arguments))

    assert ran.code == 1
    assert ran.err == (
        "ossferry: this machine's clock differs by more than 15 minutes from Alibaba Cloud's"
        " (InvalidTimeStamp.Expired): set the clock, for example with `timedatectl set-ntp true`,"
        " and run the command again.\n"
    )


@pytest.mark.parametrize(
    "arguments",
    ["ls", "setup --bucket b-1 --region cn-hangzhou --origin https://a.example --yes"],
    ids=["ls", "setup"],
)
def test_missing_credentials_are_one_sentence(daily: Demo, tmp_path: Path, arguments: str) -> None:
    options = environment(daily) | {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
    options = {name: value for name, value in options.items() if "ACCESS_KEY" not in name}

    done = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, *arguments.split()],
        env=options | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "ossferry: no credentials were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and "
    )


def test_an_unknown_principal_is_one_sentence(run: Run) -> None:
    for command in (("ls",), ("verify",)):
        unknown, odd = run(*command, "0" * 16), run(*command, "nobody")
        assert (unknown.code, odd.code) == (1, 1)
        assert unknown.complaint.startswith("ossferry: there is no principal 0000000000000000; ")
        assert odd.complaint == (
            "ossferry: 'nobody' is neither a principal's hash nor a key: keys begin with uploads/."
        )

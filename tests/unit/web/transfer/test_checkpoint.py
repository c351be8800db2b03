"""The limits of a record: up to which values a page uses it."""

import json

import pytest

from ossferry_uploader.transfer.files import LostFile
from ossferry_uploader.transfer.journal.checkpoint import (
    Checkpoint,
    checkpoint_of,
    fingerprint,
    read_checkpoint,
    restore,
)
from ossferry_uploader.transfer.options import Options
from ossferry_uploader.transfer.plan import MAX_SINGLE_BYTES, MIN_PART_BYTES
from ossferry_uploader.transfer.progress import SentPart
from ossferry_uploader.transfer.upload import Upload

OWNER = "uploads/alice-1/"
NOW_S = 1_773_480_413.0
WEEK_S = 7 * 86400
KIB = 1024
GIB = 1024**3


def text(**changes):
    """Return the record of a multipart upload as JSON text."""
    values = {
        "owner": OWNER,
        "name": "a.bin",
        "path": "",
        "size": 64 * KIB * KIB,
        "modified": 1,
        "key": f"{OWNER}2026-03-14/r/a.bin",
        "upload_id": "U1",
        "part_size": 8 * KIB * KIB,
        "sent": 0,
        "saved_at_s": NOW_S,
        "page": "page-1",
        "options": Options(),
    }
    values.update(changes)
    return Checkpoint(**values).text()


def waiting(**changes):
    """Return the record of a file that waits, as JSON text."""
    return text(upload_id="", part_size=0, **changes)


def padded(size):
    """Return a record that is `size` characters long."""
    record = text()
    return record + " " * (size - len(record))


def read(record):
    return read_checkpoint(record, owner=OWNER, now_s=NOW_S)


LONGEST = 1_000_000


@pytest.mark.parametrize(
    ("used", "refused"),
    [
        (waiting(saved_at_s=NOW_S - WEEK_S + 1), waiting(saved_at_s=NOW_S - WEEK_S)),
        (waiting(saved_at_s=NOW_S + WEEK_S - 1), waiting(saved_at_s=NOW_S + WEEK_S)),
        (text(saved_at_s=NOW_S + WEEK_S - 1), text(saved_at_s=NOW_S + WEEK_S)),
        (text(part_size=100 * KIB), text(part_size=100 * KIB - 1)),
        (text(part_size=5 * GIB), text(part_size=5 * GIB + 1)),
        (
            text(size=10_000 * 100 * KIB, part_size=100 * KIB),
            text(size=10_000 * 100 * KIB + 1, part_size=100 * KIB),
        ),
        (text(size=7, sent=7), text(size=7, sent=8)),
        (text(size=0), text(size=-1)),
        (text(sha256="f" * 64), text(sha256="f" * 63)),
        (text(sha256=""), text(sha256="f" * 65)),
        (waiting(), waiting(sent=1)),
        (padded(LONGEST), padded(LONGEST + 1)),
        (text(key=f"{OWNER}a..b"), text(key=f"{OWNER}a/../b")),
        (text(key=f"{OWNER}..a"), text(key=f"{OWNER}..")),
        (text(key=f"{OWNER}k"), text(key="uploads/alice-12/k")),
        (text(), text(owner="uploads/bob-2/", key="uploads/bob-2/k")),
    ],
)
def test_a_record_is_used_up_to_a_limit(used, refused):
    assert read(used) is not None
    assert read(refused) is None


def changed(**changes):
    """Return a record of a file that waits, in which values of any type are replaced."""
    record = json.loads(waiting())
    record.update(changes)
    return json.dumps(record)


@pytest.mark.parametrize(
    "record",
    [
        "",
        "{",
        "null",
        "[]",
        '"text"',
        changed(version=1),
        changed(page=""),
        changed(page=None),
        changed(options=None),
        changed(options={"same_name": "sometimes"}),
        changed(options={"same_name": "replace"}),  # whose key is not derived from the name
        changed(options={"content_type": "text/html\nx-oss-meta-a: b"}),
        changed(options={"metadata": ["a"]}),
        changed(options={"strange": 1}),
        changed(upload_id="", part_size=1),
        changed(upload_id=7),
        changed(upload_id="U1"),  # without the size of a part
        changed(size="64"),
        changed(saved_at_s="yesterday"),
        changed(name=None),
    ],
)
def test_a_malformed_record_is_not_used(record):
    assert read(waiting()) is not None
    assert read(record) is None


@pytest.mark.parametrize(("age_s", "is_abandoned"), [(WEEK_S - 1, False), (WEEK_S, True)])
def test_an_old_multipart_upload_is_not_offered_but_its_parts_are_removed(age_s, is_abandoned):
    assert read(text(saved_at_s=NOW_S - age_s)).is_abandoned is is_abandoned


def test_a_record_tells_the_file_and_nothing_about_this_browser():
    record = read(text(name="a.bin", path="f/g", size=7, modified=-5))

    file = record.file()
    assert (file.name, file.path, file.size, file.modified) == ("a.bin", "f/g", 7, -5)
    assert (record.number, record.can_reopen, record.is_abandoned) == (0, False, False)
    assert record.sha256 == ""


def test_a_record_without_a_digest_is_read():
    stored = json.loads(text())
    del stored["sha256"]

    assert read(json.dumps(stored)).sha256 == ""


def test_a_file_with_a_fixed_key_is_at_its_folder():
    options = Options(same_name="replace")

    for path, key in (("f", f"{OWNER}f/a.bin"), ("", f"{OWNER}a.bin")):
        assert read(text(options=options, path=path, key=key)).key == key
    assert read(text(options=options, path="f", key=f"{OWNER}a.bin")) is None


@pytest.mark.parametrize(
    ("size", "upload_id", "may_have_begun"),
    [
        (MAX_SINGLE_BYTES, "", False),
        (MAX_SINGLE_BYTES + 1, "", True),
        (MAX_SINGLE_BYTES + 1, "U1", False),
        (7, "U1", False),
    ],
)
def test_a_large_file_without_an_upload_id_may_have_begun(size, upload_id, may_have_begun):
    record = read(text(size=size, upload_id=upload_id, part_size=MIN_PART_BYTES * bool(upload_id)))
    upload = Upload(record.file(), lambda upload: None)

    restore(upload, record)

    assert (upload.upload_id, upload.progress.part_size) == (upload_id, record.part_size)
    assert upload.progress.unanswered_begins == may_have_begun
    assert (upload.key, upload.sha256) == (record.key, "")
    assert (upload.record.name, upload.record.upload_id) == (record.stored_as, upload_id)


@pytest.mark.parametrize(
    ("upload_id", "part_size", "sha256"), [("U1", 8 * KIB * KIB, "a" * 64), ("", 0, "")]
)
def test_only_the_record_of_a_multipart_upload_has_part_size_and_digest(
    upload_id, part_size, sha256
):
    upload = Upload(read(text(name="b.bin")).file(), lambda upload: None)
    upload.target.continue_from(f"{OWNER}k", sha256="a" * 64)
    upload.progress.continue_from(upload_id, 8 * KIB * KIB)
    upload.progress.land(1, SentPart("", 0, 7))

    record = checkpoint_of(upload, owner=OWNER, page="page-1", at_s=NOW_S)

    assert (record.upload_id, record.part_size, record.sha256) == (upload_id, part_size, sha256)
    assert (record.name, record.saved_at_s) == ("b.bin", NOW_S)
    assert record.sent == (7 if upload_id else 0)


@pytest.mark.parametrize("made", [None, ("a.jpg", 20 * KIB * KIB)])
def test_a_record_describes_the_chosen_file_and_names_the_one_that_checks_have_made(made):
    chosen = LostFile("a.heic", "f", 7, 5)
    upload = Upload(chosen, lambda upload: None)
    if made:
        upload.use(LostFile(made[0], "f", made[1], 0))
    upload.target.continue_from(f"{OWNER}k", salt="id salt")
    upload.progress.continue_from("U1", MIN_PART_BYTES)
    written = checkpoint_of(upload, owner=OWNER, page="page-1", at_s=NOW_S)

    record = read(written.text())

    assert fingerprint(record) == fingerprint(chosen)
    assert (record.made, record.salt, record.total) == (made, "id salt", made[1] if made else 7)
    again = Upload(chosen, lambda upload: None)
    restore(again, record)
    assert (again.progress.made, again.target.salt) == (made, "id salt")

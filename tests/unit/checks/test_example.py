"""The demo's `checks.py`, tested as operators test their own checks."""

import asyncio
import gzip
import hashlib
from pathlib import Path

import pytest

from ossferry.cli.samples import checks
from ossferry_checks import Note, Reject, Replace
from ossferry_checks.registry import checks_of
from ossferry_checks.runner import Verdict, run
from support.checking import written


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_orders_with_our_columns_pass(tmp_path: Path, start: bytes) -> None:
    file = written(tmp_path, "orders.csv", start + b"date,sku,amount,comment\n2026-01-31,A,3,\n")

    assert checks.has_our_columns(file) is None


@pytest.mark.parametrize("content", [b"", b"sku,date,amount\n", b"date;sku;amount\n"])
def test_other_columns_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Reject, match="must be date, sku, amount") as caught:
        checks.has_our_columns(written(tmp_path, "orders.csv", content))

    assert caught.value.line == 1


def test_a_document_gets_its_hash(tmp_path: Path) -> None:
    content = b"%PDF-1.7\n" * 200_000

    note = checks.hash_for_audit(written(tmp_path, "report.pdf", content))

    assert note == Note(audit_sha256=hashlib.sha256(content).hexdigest())


def test_a_log_is_compressed(tmp_path: Path) -> None:
    content = b"GET / 200\n" * 1000

    replace = checks.compress_logs(written(tmp_path, "access.log", content))

    assert isinstance(replace, Replace)
    assert replace.name == "access.log.gz"
    assert gzip.decompress(replace.path.read_bytes()) == content


def test_a_log_that_does_not_become_smaller_stays(tmp_path: Path) -> None:
    assert checks.compress_logs(written(tmp_path, "access.log", b"x")) is None


def test_the_names_decide_which_checks_run(tmp_path: Path) -> None:
    def verdict(name: str) -> Verdict:
        return asyncio.run(
            run(checks_of(checks), written(tmp_path, name, b"date,sku,amount\n" * 9))
        )

    assert [each.check for each in verdict("Orders-2026.CSV").ran] == ["has_our_columns"]
    assert verdict("prices.csv").ran == []
    assert verdict("access.log").name == "access.log.gz"
    assert verdict("report.pdf").notes.keys() == {"audit-sha256"}

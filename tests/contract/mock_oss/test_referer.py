"""Hotlink protection: who may open an object by its address, according to the header `Referer`."""

from pathlib import Path
from typing import Any

import pytest
from oss2.models import BucketReferer

from contract.mock_oss.clients import ask, oss2_bucket, send
from mock_oss import BUCKET, BucketSpec, MockOSS

HERE = "http://www.example.com"
EMPTY, BLACKLIST, WHITELIST = "0003-00000501", "0003-00000502", "0003-00000503"
ANY: tuple[str, ...] = ()


@pytest.fixture
def mock_oss_options() -> dict[str, Any]:
    return {"buckets": [BucketSpec(name=BUCKET, acl="public-read")]}


def configuration(
    empty: bool, allowed: tuple[str, ...], refused: tuple[str, ...] = (), more: str = ""
) -> bytes:
    lists = "".join(
        f"<{name}>{''.join(f'<Referer>{each}</Referer>' for each in values)}</{name}>"
        for name, values in (("RefererList", allowed), ("RefererBlacklist", refused))
    )
    allow = f"<AllowEmptyReferer>{str(empty).lower()}</AllowEmptyReferer>"
    return f"<RefererConfiguration>{allow}{more}{lists}</RefererConfiguration>".encode()


NO_PATH = "<TruncatePath>true</TruncatePath>"
NO_QUERY = "<AllowTruncateQueryString>{}</AllowTruncateQueryString>"


@pytest.mark.parametrize(
    ("document", "referer", "ec"),
    [
        (configuration(True, (HERE,)), "", ""),
        (configuration(False, (HERE,)), "", EMPTY),
        (configuration(False, ANY, ("http://bad.com",)), "", ""),
        (configuration(False, (HERE,)), HERE, ""),
        (configuration(False, (HERE,)), f"{HERE}/a/b?c", ""),
        (configuration(False, (HERE,)), "https://www.example.com", WHITELIST),
        (configuration(False, (HERE,)), f"http://bad.com/{HERE}", WHITELIST),
        (configuration(False, ("http://www.?.example.com",)), "http://www.a.example.com/", ""),
        (
            configuration(False, ("http://www.?.example.com",)),
            "http://www.aa.example.com/",
            WHITELIST,
        ),
        (configuration(False, ("*.example.com",)), f"{HERE}/a", ""),
        (configuration(True, ANY, ("http://*.bad.com",)), f"{HERE}/", ""),
        (configuration(True, ANY, ("http://*.bad.com",)), "http://a.bad.com/", BLACKLIST),
        (configuration(True, ("*",), ("http://*.bad.com",)), "http://a.bad.com/", BLACKLIST),
        (configuration(True, (f"{HERE}/a",)), f"{HERE}/a/b", ""),
        (configuration(True, (f"{HERE}/a",), more=NO_PATH), f"{HERE}/a/b", WHITELIST),
        (configuration(True, (HERE,), more=NO_PATH), f"{HERE}/a/b?c", ""),
        (configuration(True, (HERE,), more=NO_PATH), "http://[", WHITELIST),
        (configuration(True, (HERE,), more=NO_PATH), f"{HERE}.bad.com/", WHITELIST),
        (
            configuration(True, (f"{HERE}/?a=1",), more=NO_QUERY.format("true")),
            f"{HERE}/?a=1",
            WHITELIST,
        ),
        (configuration(True, (f"{HERE}/?a=1",), more=NO_QUERY.format("false")), f"{HERE}/?a=1", ""),
    ],
)
def test_the_lists_decide_about_addresses_and_not_about_signed_headers(
    mock_oss: MockOSS, document: bytes, referer: str, ec: str
) -> None:
    bucket = oss2_bucket(mock_oss)
    bucket.put_object("a", b"hello")
    bucket.put_bucket_referer(document)
    sent = {"Referer": referer} if referer else {}
    signed = bucket.sign_url("GET", "a", 60).removeprefix(mock_oss.endpoint)

    answers = [send(mock_oss, "GET", path, headers=sent) for path in (f"/{BUCKET}/a", signed)]

    assert [answer.status for answer in answers] == [403 if ec else 200] * 2
    for answer in answers:
        assert (f"<EC>{ec}</EC>" in answer.body.decode()) is bool(ec)
    assert ask(mock_oss, "GET", "a", headers=sent).body == b"hello"


def test_the_lists_are_those_that_were_stored(tmp_path: Path) -> None:
    lists = ["http://hello.com", "中文+referer"]
    with MockOSS(data_dir=tmp_path) as oss:
        new = oss2_bucket(oss).get_bucket_referer()
        stored = BucketReferer(False, lists, allow_truncate_query_string=False)
        stored.black_referers = ["http://bad.com"]
        oss2_bucket(oss).put_bucket_referer(stored)
    with MockOSS(data_dir=tmp_path) as oss:
        found = oss2_bucket(oss).get_bucket_referer()
        oss2_bucket(oss).put_bucket_referer(BucketReferer(True, []))
        emptied = oss2_bucket(oss).get_bucket_referer()

    assert (new.allow_empty_referer, new.referers, new.black_referers) == (True, [], [])
    assert new.allow_truncate_query_string
    assert (found.allow_empty_referer, found.referers) == (False, lists)
    assert (found.black_referers, found.allow_truncate_query_string) == (["http://bad.com"], False)
    assert (emptied.allow_empty_referer, emptied.referers) == (True, [])


@pytest.mark.parametrize(
    "document",
    [
        b"<RefererConfiguration><RefererList/></RefererConfiguration>",
        b"<RefererConfiguration><AllowEmptyReferer>true</AllowEmptyReferer></RefererConfiguration>",
        configuration(True, ANY).replace(b"true", b"yes"),
        configuration(True, ANY, more=NO_PATH.replace("true", "1")),
    ],
)
def test_wrong_lists_are_malformed(mock_oss: MockOSS, document: bytes) -> None:
    answer = ask(mock_oss, "PUT", "", query={"referer": ""}, body=document)

    assert (answer.status, answer.code) == (400, "MalformedXML")

"""Grants are parsed from the server's JSON, or refused."""

import pytest

from ossferry_uploader.transfer.errors import GrantRefused
from ossferry_uploader.transfer.grants.grant import read_grant


def document(**changes):
    made = {
        "access_key_id": "STS.1",
        "access_key_secret": "secret",
        "security_token": "token",
        "expiration": "2026-03-14T09:41:53Z",
        "bucket": "bucket",
        "region": "cn-hangzhou",
        "endpoint": "http://localhost:9000",
        "prefix": "uploads/alice-1/",
        "server_time": "2026-03-14T09:26:53.123Z",
        "limits": {"max_file_size": 48800000000000, "max_files": 1000},
        "principal": {"name": "Alice"},
    }
    made.update(changes)
    return made


def test_a_grant_is_read():
    grant = read_grant(document())

    assert grant.bucket.origin == "http://bucket.localhost:9000"
    assert grant.expires_at_s - int(grant.server_time_s) == 900
    assert grant.limits.max_file_size == 48800000000000
    assert grant.principal == "Alice"


def test_origins_say_where_requests_go_in_order_of_preference():
    origins = ["https://files.example.com", "https://bucket.oss-accelerate.example:8443"]

    bucket = read_grant(document(origins=origins, cname=True)).bucket

    assert (bucket.origin, bucket.origins) == (origins[0], origins)
    assert (bucket.name, bucket.region) == ("bucket", "cn-hangzhou")


def test_a_grant_says_which_server_oss_is_to_call():
    called, none = (read_grant(document(callback=given)).bucket for given in ("e30=", ""))

    assert (called.callback, none.callback, read_grant(document()).bucket.callback) == (
        "e30=",
        "",
        "",
    )


def test_an_older_server_names_no_origins():
    bucket = read_grant(document()).bucket

    assert bucket.origins == ["http://bucket.localhost:9000"]
    assert not bucket.is_custom_domain


@pytest.mark.parametrize(
    ("endpoint", "origin", "is_custom_domain"),
    [
        ("http://localhost:9000", "https://files.example.com", True),
        ("http://localhost:9000", "https://bucket.oss-accelerate.example", False),
        ("https://bucket.example.com", "https://bucket.example.com", True),
        ("https://bucket.example.com", "https://bucket.oss-accelerate.example", False),
    ],
)
def test_a_custom_domain_is_told_from_an_endpoint(endpoint, origin, is_custom_domain):
    bucket = read_grant(document(endpoint=endpoint, origins=[origin])).bucket

    assert bucket.is_custom_domain is is_custom_domain


def test_features_quota_and_types_may_be_there():
    more = {"min_file_size": 1, "min_files": 2, "max_total_size": 30}
    limits = {"max_file_size": 10, "max_files": 1, "quota": {"bytes_left": 5, "objects_left": None}}
    limits["types"] = [".csv"]
    limits.update(more)
    limits["replaced"] = ["*.heic"]
    plain, full = read_grant(document()), read_grant(document(limits=limits, features=["share"]))

    assert (plain.features, plain.left.facts(), plain.limits.types) == ([], (None, None), [])
    assert (full.features, full.left.facts(), full.limits.types) == (["share"], (5, None), [".csv"])
    for name, value in more.items():
        assert (getattr(plain.limits, name) or 0, getattr(full.limits, name)) == (0, value)
    assert (plain.limits.replaced, full.limits.replaced) == ([], ["*.heic"])


MALFORMED = {
    "no slash": {"prefix": "uploads/alice-1"},
    "leading slash": {"prefix": "/"},
    "time": {"expiration": "tomorrow"},
    "endpoint": {"endpoint": "localhost"},
    "no scheme": {"origins": ["files.example.com"]},
    "scheme": {"origins": ["ftp://files.example.com"]},
    "path": {"origins": ["https://files.example.com/"]},
    "query": {"origins": ["https://files.example.com?a"]},
    "user": {"origins": ["https://me@files.example.com"]},
    "no list": {"origins": "https://files.example.com"},
    "no limit": {"limits": {}},
    "no limits": {"limits": None},
    "nobody": {"principal": None},
    "name": {"principal": {"name": 5}},
    "region": {"region": 5},
    "bucket": {"bucket": None},
    "token": {"security_token": ["x"]},
    "negative number": {"limits": {"max_file_size": 10, "max_files": -1}},
    "negative size": {"limits": {"max_file_size": -1, "max_files": 1}},
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_grant_is_refused(change):
    with pytest.raises(GrantRefused, match="malformed"):
        read_grant(document(**change))


def document_with(form):
    made = document(form=form)
    del made["access_key_secret"], made["security_token"]
    return made


def test_a_grant_with_a_form_is_read():
    grant = read_grant(document_with([["policy", "p"]]))

    assert grant.form == [("policy", "p")]
    assert grant.credentials.access_key_id == "STS.1"
    assert not grant.credentials.access_key_secret


@pytest.mark.parametrize("form", [[], None, [[]], ["policy"], 5, "form"])
def test_a_grant_without_secret_and_without_a_proper_form_is_refused(form):
    with pytest.raises(GrantRefused):
        read_grant(document_with(form))

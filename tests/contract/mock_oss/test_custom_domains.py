"""Custom domains: binding, requests to them, and accounts that require one.

The SDKs use the mock's port as an HTTP proxy, so that they send the domain as Host.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import alibabacloud_oss_v2 as oss_v2
import oss2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from oss2.models import PutBucketCnameRequest

from contract.mock_oss.clients import (
    PERMANENT,
    REGION,
    Answer,
    ask,
    oss2_bucket,
    refusal,
    send,
    signed_headers,
)
from contract.mock_oss.post_forms import form, post, v1_fields, v4_fields
from contract.mock_oss.tour_ali_oss import run_script
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, BucketSpec, MockOSS, User, World
from support.certificates import make_certificate

DOMAIN = "files.example.com"
PUBLIC = f"{BUCKET}.oss-{REGION}.localhost"


@pytest.fixture
def bound() -> Any:
    """A mock of an account that requires a custom domain, with one bound to the bucket."""
    with MockOSS(cnames={DOMAIN: BUCKET}, refuse_public_endpoints=True) as oss:
        yield oss


@pytest.mark.parametrize("version", ["v4", "v1"])
def test_oss2_works_at_a_custom_domain(bound: MockOSS, version: str) -> None:
    bucket = oss2_bucket(bound, version=version, cname=DOMAIN)

    bucket.put_object("dir/a b.txt", b"hello")
    url = bucket.sign_url("GET", "dir/a b.txt", 60, slash_safe=True)
    through = Request(url)  # noqa: S310 - at our own mock
    through.set_proxy(urlsplit(bound.endpoint).netloc, "http")

    assert url.startswith(f"http://{DOMAIN}/dir/a%20b.txt?")
    with urlopen(through) as answer:  # noqa: S310 - as above
        assert answer.read() == b"hello"
    assert [found.key for found in bucket.list_objects_v2().object_list] == ["dir/a b.txt"]
    assert {record.host for record in bound.requests} == {DOMAIN}


@pytest.mark.parametrize("version", ["v4", "v1"])
def test_the_second_sdk_works_at_a_custom_domain(bound: MockOSS, version: str) -> None:
    config = oss_v2.config.load_default()
    config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider(*PERMANENT)
    config.region, config.signature_version = REGION, version
    config.endpoint, config.use_cname = f"http://{DOMAIN}", True
    config.proxy_host = {"http": bound.endpoint}
    client = oss_v2.Client(config)

    client.put_object(oss_v2.PutObjectRequest(bucket=BUCKET, key="dir/a b.txt", body=b"hello"))

    assert bound.bucket(BUCKET).objects["dir/a b.txt"].data == b"hello"
    assert bound.requests[-1].host == DOMAIN


@pytest.mark.parametrize("version", ["v4", "v1"])
def test_ali_oss_works_at_a_custom_domain(version: str) -> None:
    with MockOSS(cnames={"files.localhost": BUCKET}, refuse_public_endpoints=True) as oss:
        errors = run_script(
            *("--require", "./localhost.cjs", "cname.mjs"),
            port=oss.port,
            version=version,
            domain="files.localhost",
            bucket=BUCKET,
            credentials=(ACCESS_KEY_ID, ACCESS_KEY_SECRET),
        )

        assert not errors, errors
        assert oss.bucket(BUCKET).objects["dir/a b.txt"].data == b"hello"
        assert {record.host for record in oss.requests} == {f"files.localhost:{oss.port}"}


@pytest.mark.parametrize("fields", [v1_fields, v4_fields])
def test_a_form_is_taken_at_a_custom_domain(bound: MockOSS, fields: Any) -> None:
    conditions: list[object] = [{"bucket": BUCKET}, ["eq", "$key", "a.txt"]]
    body = form({"key": "a.txt", **fields(bound, conditions)}, b"hello")

    answer = post(bound, body, bucket="", headers={"Host": DOMAIN})

    assert answer.status == 204, answer.body
    assert bound.bucket(BUCKET).objects["a.txt"].data == b"hello"


def test_buckets_are_not_listed_at_a_custom_domain(bound: MockOSS) -> None:
    auth = oss2_bucket(bound).auth
    proxies = {"http": bound.endpoint}
    service = oss2.Service(auth, f"http://{DOMAIN}", region=REGION, proxies=proxies)

    assert refusal(service.list_buckets) == (403, "SignatureDoesNotMatch")


def ask_at(oss: MockOSS, host: str, method: str, key: str, **query: str) -> Answer:
    """Send a signed request to a host that names the bucket."""
    target, headers = signed_headers(oss, method, key, query=query)
    target = target.removeprefix(f"/{BUCKET}")
    body = b"x" if method == "PUT" else None
    return send(oss, method, target, headers={**headers, "Host": host}, body=body)


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", "/", {}, 400),
        ("GET", "/", {"uploads": ""}, 400),
        ("POST", "/a.txt", {"uploads": ""}, 400),
        ("POST", "/", {"delete": ""}, 400),
        ("POST", "/", {}, 400),
        ("GET", "/", {"bucketInfo": ""}, 200),
        ("GET", "/", {"cname": ""}, 200),
        ("GET", "/", {"acl": ""}, 200),
    ],
)
def test_operations_on_a_bucket_go_on_by_a_public_endpoint(
    bound: MockOSS, method: str, path: str, query: dict[str, str], status: int
) -> None:
    answer = ask_at(bound, PUBLIC, method, path[1:], **query)

    assert answer.status == status, answer.body
    assert (b"PublicEndpointForbidden" in answer.body) == (status == 400)


def test_a_refusal_names_the_endpoint_and_answers_the_page(bound: MockOSS) -> None:
    rule = oss2.models.CorsRule(["*"], ["PUT"], ["*"], ["x-oss-ec"], 60)
    oss2_bucket(bound).put_bucket_cors(oss2.models.BucketCors([rule]))
    _, headers = signed_headers(bound, "PUT", "a.txt")
    headers |= {"Host": PUBLIC, "Origin": "https://page.example"}

    answer = send(bound, "PUT", "/a.txt", headers=headers, body=b"x")

    assert answer.code == "PublicEndpointForbidden"
    assert answer.xml("Message") == (
        "Not allowed using the OSS public endpoint , please use CNAME instead."
    )
    assert answer.headers["x-oss-ec"] == "0048-00000401"
    assert answer.xml("HostId") == PUBLIC
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert bound.requests[-1].why["kind"] == "endpoint"


def test_the_refusal_is_switched_while_the_mock_runs(mock_oss: MockOSS) -> None:
    def put() -> int:
        return ask_at(mock_oss, PUBLIC, "PUT", "a").status

    assert put() == 200
    mock_oss.refuse_public_endpoints = True
    assert put() == 400
    mock_oss.reset()
    assert put() == 200
    told = json.dumps({"refuse_public_endpoints": True, "cnames": {DOMAIN: BUCKET}}).encode()
    answer = send(mock_oss, "POST", "/_mock/endpoints", body=told)
    assert json.loads(answer.body) == json.loads(told)
    assert put() == 400
    assert mock_oss.cnames == {DOMAIN: BUCKET}
    told = json.dumps({"cnames": {DOMAIN: None}}).encode()
    assert send(mock_oss, "POST", "/_mock/endpoints", body=told).status == 200
    assert mock_oss.cnames == {}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"refuse": True}, "endpoints accept cnames and refuse_public_endpoints, not refuse"),
        ({"refuse_public_endpoints": 1}, "refuse_public_endpoints must be true or false"),
        ({"cnames": ["a"]}, "cnames must map a custom domain to a bucket, or to null to unbind it"),
        ({"cnames": {"x.aliyuncs.com": "b"}}, "'x.aliyuncs.com' is not allowed as a custom domain"),
        (
            {"cnames": {"files.example.net": None}},
            "the domain 'files.example.net' is not bound to a bucket",
        ),
    ],
)
def test_what_cannot_be_switched_is_said(
    mock_oss: MockOSS, body: dict[str, object], sentence: str
) -> None:
    answer = send(mock_oss, "POST", "/_mock/endpoints", body=json.dumps(body).encode())

    assert answer.status == 400
    assert sentence in json.loads(answer.body)["error"]


@pytest.mark.parametrize("version", ["v4", "v1"])
def test_a_domain_is_bound_with_a_token(mock_oss: MockOSS, version: str) -> None:
    bucket = oss2_bucket(mock_oss, version=version)
    wanted = PutBucketCnameRequest(DOMAIN)

    assert bucket.list_bucket_cname().cname == []
    assert refusal(bucket.get_bucket_cname_token, DOMAIN) == (404, "NoSuchCnameToken")
    assert refusal(bucket.put_bucket_cname, wanted) == (403, "NeedVerifyDomainOwnership")
    made = bucket.create_bucket_cname_token(DOMAIN)
    assert (made.bucket, made.cname, len(made.token)) == (BUCKET, DOMAIN, 32)
    assert bucket.create_bucket_cname_token(DOMAIN).token == made.token
    assert bucket.get_bucket_cname_token(DOMAIN).token == made.token
    bucket.put_bucket_cname(wanted)
    (found,) = bucket.list_bucket_cname().cname
    assert (found.domain, found.status) == (DOMAIN, "Enabled")
    there = oss2_bucket(mock_oss, version=version, cname=DOMAIN)
    there.put_object("a", b"x")
    bucket.put_bucket_cname(wanted)  # repeating it changes nothing
    bucket.delete_bucket_cname(DOMAIN)
    assert bucket.list_bucket_cname().cname == []
    assert refusal(bucket.delete_bucket_cname, DOMAIN) == (404, "NoSuchCname")
    assert refusal(there.get_object, "a") == (403, "NonStandardHostForbidden")


def test_a_token_ends_after_three_days(mock_oss: MockOSS) -> None:
    mock_oss.clock.freeze()
    first = oss2_bucket(mock_oss).create_bucket_cname_token(DOMAIN).token

    mock_oss.clock.advance(timedelta(hours=72))
    query = {"comp": "token", "cname": DOMAIN}

    assert ask(mock_oss, "GET", "", query=query).code == "NoSuchCnameToken"
    mock_oss.clock.advance(-1)
    assert ask(mock_oss, "GET", "", query=query).xml("Token") == first


def test_a_domain_has_one_bucket() -> None:
    other = User(name="root", account_id="9", keys={"LTAI5tMockOther": "secret"})
    buckets = (BucketSpec(name=BUCKET), BucketSpec(name="second"))
    foreign_bucket = BucketSpec(name="foreign", account_id="9")
    world = World(
        users=(*World().users, other), buckets=(*buckets, foreign_bucket), cnames={DOMAIN: BUCKET}
    )
    with MockOSS(world=world) as oss:
        second = oss2_bucket(oss, "second")
        foreign = oss2_bucket(oss, "foreign", credentials=("LTAI5tMockOther", "secret", None))
        wanted = PutBucketCnameRequest(DOMAIN)

        second.create_bucket_cname_token(DOMAIN)
        foreign.create_bucket_cname_token(DOMAIN)

        assert refusal(second.put_bucket_cname, wanted) == (409, "CnameAlreadyExists")
        assert refusal(foreign.put_bucket_cname, wanted) == (403, "CnameDenied")
        assert oss.cnames == {DOMAIN: BUCKET}


def test_a_domain_that_cannot_be_one_is_refused(bucket_v4: Any) -> None:
    wanted = PutBucketCnameRequest("files.aliyuncs.com")

    assert refusal(bucket_v4.create_bucket_cname_token, wanted.domain) == (403, "CnameIsForbidden")
    assert refusal(bucket_v4.put_bucket_cname, wanted) == (403, "CnameIsForbidden")


def put_cname(bucket: Any, **certificate: object) -> None:
    """Bind the domain, and set or delete its certificate."""
    given = oss2.models.CertInfo(**certificate) if certificate else None
    bucket.put_bucket_cname(PutBucketCnameRequest(DOMAIN, given))


def pair(folder: Path) -> dict[str, str]:
    """Return a new certificate and its private key."""
    folder.mkdir()
    make_certificate(folder, DOMAIN)
    names = {"certificate": "fullchain", "private_key": "privkey"}
    return {given: (folder / f"{name}.pem").read_text() for given, name in names.items()}


def test_a_certificate_is_shown_until_it_is_deleted(bucket_v4: Any, tmp_path: Path) -> None:
    given = pair(tmp_path / "first")
    bucket_v4.create_bucket_cname_token(DOMAIN)

    put_cname(bucket_v4, **given)

    (bound,) = bucket_v4.list_bucket_cname().cname
    shown = bound.certificate
    assert (bound.domain, shown.type, shown.status) == (DOMAIN, "CAS", "Enabled")
    certificate = x509.load_pem_x509_certificate(given["certificate"].encode())
    digest = certificate.fingerprint(hashes.SHA1())  # noqa: S303
    assert shown.fingerprint == digest.hex(":").upper()
    assert shown.valid_end_date.endswith(" GMT")
    put_cname(bucket_v4)
    assert bucket_v4.list_bucket_cname().cname[0].certificate is not None
    put_cname(bucket_v4, delete_certificate=True)
    assert bucket_v4.list_bucket_cname().cname[0].certificate is None


def test_an_unbound_domain_forgets_its_certificate(bucket_v4: Any, tmp_path: Path) -> None:
    bucket_v4.create_bucket_cname_token(DOMAIN)
    put_cname(bucket_v4, **pair(tmp_path / "first"))

    bucket_v4.delete_bucket_cname(DOMAIN)
    bucket_v4.create_bucket_cname_token(DOMAIN)
    put_cname(bucket_v4)

    assert bucket_v4.list_bucket_cname().cname[0].certificate is None


@pytest.mark.parametrize("wrong", ["certificate", "private_key", "pair", "id"])
def test_a_wrong_certificate_binds_nothing(bucket_v4: Any, tmp_path: Path, wrong: str) -> None:
    first, second = pair(tmp_path / "first"), pair(tmp_path / "second")
    given = {
        "pair": {**first, "private_key": second["private_key"]},
        "id": {"cert_id": "493-cn-hangzhou"},
    }.get(wrong, {**first, wrong: "no PEM"})
    bucket_v4.create_bucket_cname_token(DOMAIN)

    code = "NotImplemented" if wrong == "id" else "InvalidArgument"
    assert refusal(put_cname, bucket_v4, **given) == (400, code)
    assert bucket_v4.list_bucket_cname().cname == []


@pytest.mark.parametrize("query", [{"cname": "", "comp": "other"}, {"comp": "add"}])
def test_what_the_vendor_may_add_to_domains_is_not_taken_for_another_operation(
    mock_oss: MockOSS, query: dict[str, str]
) -> None:
    assert ask(mock_oss, "POST", "", query=query, body=b"").code == "NotImplemented"


def test_bindings_are_kept(tmp_path: Path) -> None:
    with MockOSS(data_dir=tmp_path, cnames={"first.example.com": BUCKET}) as oss:
        oss.bind_cname("Second.example.com", BUCKET)
        oss.unbind_cname("first.example.com")
    with MockOSS(data_dir=tmp_path) as oss:
        assert oss.cnames == {"second.example.com": BUCKET}
        oss2_bucket(oss).delete_bucket()
        assert oss.cnames == {}


def test_a_bucket_made_later_gets_the_domain_of_the_world() -> None:
    with MockOSS(buckets=(), cnames={DOMAIN: "later-on"}) as oss:
        later = oss2_bucket(oss, "later-on", cname=DOMAIN)
        assert refusal(later.get_object, "a") == (404, "NoSuchBucket")
        oss2_bucket(oss, "later-on").create_bucket()

        later.put_object("a", b"x")

        assert oss.bucket("later-on").objects["a"].data == b"x"


def test_a_name_that_was_allowed_serves_path_style() -> None:
    with MockOSS(allow_hosts=["oss.example.net"]) as oss:
        target, headers = signed_headers(oss, "PUT", "a")

        answer = send(oss, "PUT", target, headers={**headers, "Host": "oss.example.net"}, body=b"")

        assert answer.status == 200

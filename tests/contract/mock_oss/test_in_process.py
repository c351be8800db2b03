"""The mock without a port: the official SDKs reach it at the vendor's own addresses."""

import asyncio
import functools
import json
import os
import socket
import unittest
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import aiohttp
import alibabacloud_oss_v2 as oss_v2
import alibabacloud_oss_v2.aio as oss_v2_async
import httpx
import oss2
import pytest
import requests
import urllib3
from alibabacloud_sts20150401.client import Client
from alibabacloud_tea_openapi.models import Config
from aliyunsdkcore.acs_exception.exceptions import ClientException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

import mock_oss as package
from contract.mock_oss.clients import assume_role, refusal, role_wanted
from mock_oss import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, ROLE_ARN, MockOSSError
from mock_oss.patching import InProcessMock, current_mock, in_process, mocked

REGION = "cn-hangzhou"
ENDPOINT = f"https://oss-{REGION}.aliyuncs.com"


@pytest.fixture
def oss(monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessMock]:
    """A mock in this process; every other connection fails."""

    def refuse(*arguments: object, **_: object) -> None:
        raise AssertionError(f"a connection to {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with in_process() as running:
        yield running


def oss2_bucket(endpoint: str = ENDPOINT, **options: Any) -> oss2.Bucket:
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    return oss2.Bucket(auth, endpoint, BUCKET, region=REGION, **options)


def oss_v2_config() -> Any:
    config = oss_v2.config.load_default()
    config.credentials_provider = oss_v2.credentials.EnvironmentVariableCredentialsProvider()
    config.region = REGION
    return config


def sts_client() -> Client:
    keys = {"access_key_id": ACCESS_KEY_ID, "access_key_secret": ACCESS_KEY_SECRET}
    return Client(Config(**keys, endpoint=f"sts.{REGION}.aliyuncs.com"))


def bucket_of_session(endpoint: str = ENDPOINT, **wanted: Any) -> oss2.Bucket:
    """Return a bucket of oss2 with the credentials that STS gives."""
    auth = oss2.StsAuth(*assume_role(sts_client(), **wanted), oss2.AUTH_VERSION_4)
    return oss2.Bucket(auth, endpoint, BUCKET, region=REGION)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_oss2_reaches_the_mock(oss: InProcessMock, scheme: str) -> None:
    bucket = oss2_bucket(ENDPOINT.replace("https", scheme))

    bucket.put_object("a.txt", b"hello" * 100_000)

    assert bucket.get_object("a.txt").read() == oss.bucket(BUCKET).objects["a.txt"].data
    assert oss.requests[0].host == f"{BUCKET}.oss-{REGION}.aliyuncs.com"


def test_oss2_reaches_a_custom_domain(oss: InProcessMock) -> None:
    oss.bind_cname("files.example.com", BUCKET)

    oss2_bucket("https://files.example.com", is_cname=True).put_object("a.txt", b"hello")

    assert oss.requests.one("PutObject").host == "files.example.com"


def test_alibabacloud_oss_v2_reaches_the_mock(oss: InProcessMock) -> None:
    client = oss_v2.Client(oss_v2_config())

    client.put_object(oss_v2.PutObjectRequest(bucket=BUCKET, key="a.txt", body=b"hello"))

    assert oss.bucket(BUCKET).objects["a.txt"].data == b"hello"


def test_the_asynchronous_client_of_alibabacloud_oss_v2_reaches_the_mock(
    oss: InProcessMock,
) -> None:
    async def upload() -> None:
        client = oss_v2_async.AsyncClient(oss_v2_config())
        await client.put_object(oss_v2.PutObjectRequest(bucket=BUCKET, key="a", body=b"hello"))
        await client.close()

    asyncio.run(upload())

    assert oss.bucket(BUCKET).objects["a"].data == b"hello"


def test_the_sts_client_reaches_the_mock(oss: InProcessMock) -> None:
    bucket_of_session().put_object("uploads/a", b"hello")

    assert [record.operation for record in oss.requests] == ["AssumeRole", "PutObject"]


def test_the_asynchronous_sts_client_reaches_the_mock(oss: InProcessMock) -> None:
    answer = asyncio.run(sts_client().assume_role_async(role_wanted()))

    assert answer.body.credentials.access_key_id.startswith("STS.NMockOss")
    assert oss.requests.one("AssumeRole").host == f"sts.{REGION}.aliyuncs.com"


def ask_with_aliyunsdkcore(domain: str, action: str, **parameters: str) -> Any:
    """Send a request with the client that `oss2` requires, and return its answer."""
    client = AcsClient(ACCESS_KEY_ID, ACCESS_KEY_SECRET, REGION, auto_retry=False)
    request = CommonRequest(domain=domain, version="2015-04-01", action_name=action)
    request.set_protocol_type("https")
    for name, value in parameters.items():
        request.add_query_param(name, value)
    return json.loads(client.do_action_with_exception(request))


@pytest.mark.parametrize("domain", ["sts.aliyuncs.com", f"sts-vpc.{REGION}.aliyuncs.com"])
def test_aliyunsdkcore_reaches_the_mock(oss: InProcessMock, domain: str) -> None:
    wanted = {"RoleArn": ROLE_ARN, "RoleSessionName": "alice"}
    token = ask_with_aliyunsdkcore(domain, "AssumeRole", **wanted)["Credentials"]

    assert token["AccessKeyId"].startswith("STS.NMockOss")
    assert oss.requests.one("AssumeRole").host == domain


async def ask_with_aiohttp(url: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(url):
        pass


UNSERVED: dict[str, Callable[[], object]] = {
    "requests": lambda: requests.get("https://kms.aliyuncs.com", timeout=5),
    "urllib": lambda: urlopen("https://oss.kms.aliyuncs.com"),
    "aiohttp": lambda: asyncio.run(ask_with_aiohttp("https://kms.aliyuncs.com")),
    "aliyunsdkcore": lambda: ask_with_aliyunsdkcore("kms.aliyuncs.com", "CreateKey"),
    "httpx": lambda: httpx.get(ENDPOINT),
    "a socket": lambda: socket.create_connection(("sts.aliyuncs.com", 443)),
}


@pytest.mark.parametrize("library", UNSERVED)
def test_what_the_mock_does_not_serve_fails_with_the_cause(
    oss: InProcessMock, library: str
) -> None:
    is_redirected = library not in ("httpx", "a socket")
    cause = (
        "serves OSS, STS and RAM, and not " if is_redirected else "does not redirect this library"
    )

    with pytest.raises((OSError, httpx.ConnectError, ClientException), match=cause):
        UNSERVED[library]()

    assert not oss.requests


def test_urllib_reaches_the_mock(oss: InProcessMock) -> None:
    oss2_bucket().put_object("a.txt", b"hello", headers={"x-oss-object-acl": "public-read"})

    with urlopen(f"https://{BUCKET}.oss-{REGION}.aliyuncs.com/a.txt") as answer:
        assert answer.read() == b"hello"
    with urlopen(f"https://oss-{REGION}.aliyuncs.com/_mock/state") as answer:
        assert answer.status == 200


def test_a_policy_sees_whether_a_request_was_sent_with_https(oss: InProcessMock) -> None:
    policy = (
        '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*",'
        '"Condition":{"Bool":{"acs:SecureTransport":"true"}}}]}'
    )

    bucket_of_session(policy=policy).put_object("uploads/a", b"")
    plain = bucket_of_session(ENDPOINT.replace("https", "http"), policy=policy)
    assert refusal(plain.put_object, "uploads/a", b"") == (403, "AccessDenied")


def test_faults_cut_connections(oss: InProcessMock) -> None:
    oss.faults.add("reset", when="before-answer", times=1)

    with pytest.raises(oss2.exceptions.RequestError):
        oss2_bucket().put_object("a.txt", b"hello")

    assert oss.bucket(BUCKET).objects["a.txt"].data == b"hello"


def test_a_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, oss: InProcessMock
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    oss2_bucket().put_object("a.txt", b"hello")

    assert len(oss.requests) == 1


def test_an_https_proxy_that_the_code_names_is_not_used(oss: InProcessMock) -> None:
    oss2_bucket(proxies={"https": "http://127.0.0.1:9"}).put_object("a.txt", b"hello")

    assert len(oss.requests) == 1


def test_other_hosts_are_not_redirected(monkeypatch: pytest.MonkeyPatch) -> None:
    with package.MockOSS() as other, in_process() as oss:
        oss2_bucket(other.endpoint).put_object("a.txt", b"hello")
        assert requests.get(f"{other.endpoint}/_mock/state", timeout=10).status_code == 200

        assert len(other.requests) == 1
        assert len(oss.requests) == 0


def test_everything_is_as_before_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_ACCESS_KEY_ID", "LTAI5tReal")
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "real token")
    monkeypatch.setenv("no_proxy", "intranet")
    before = dict(os.environ)
    connect = urllib3.connection.HTTPSConnection.connect

    with in_process():
        assert urllib3.connection.HTTPSConnection.connect is not connect
        assert os.environ["OSS_ACCESS_KEY_ID"] == ACCESS_KEY_ID
        assert "ALIBABA_CLOUD_SECURITY_TOKEN" not in os.environ
        assert os.environ["no_proxy"] == "intranet,.aliyuncs.com"

    assert dict(os.environ) == before
    assert urllib3.connection.HTTPSConnection.connect is connect
    with pytest.raises(MockOSSError, match="no mock is running"):
        current_mock()


def test_two_mocks_cannot_serve_the_same_hosts(oss: InProcessMock) -> None:
    with pytest.raises(MockOSSError, match="another mock already serves"), in_process():
        pass

    assert current_mock() is oss


@mocked
def test_a_decorated_test_has_a_mock() -> None:
    oss2_bucket().put_object("a.txt", b"hello")

    assert current_mock().wait_for_upload("a.txt", timeout_s=0).data == b"hello"


@mocked(buckets=["other"])
def test_a_decorated_test_can_use_fixtures_and_options(tmp_path: object) -> None:
    assert tmp_path
    assert current_mock().environment["OSS_BUCKET"] == "other"


def test_a_coroutine_function_can_be_decorated() -> None:
    @mocked
    async def put() -> str:
        await asyncio.to_thread(oss2_bucket().put_object, "a.txt", b"hello")
        return current_mock().requests.one("PutObject").key

    assert asyncio.run(put()) == "a.txt"


@mocked
class TestDecoratedClass:
    """Each test of the class, and of the class in it, has a mock of its own."""

    number = 3

    @pytest.mark.parametrize("key", ["a", "b"])
    def test_each_has_its_own_mock(self, key: str) -> None:
        oss2_bucket().put_object(key, b"hello")

        assert self.number == 3
        assert current_mock().requests.one("PutObject").key == key

    @staticmethod
    def test_static_methods_have_one() -> None:
        assert not current_mock().requests

    @classmethod
    def test_class_methods_have_one(cls) -> None:
        assert not current_mock().requests

    class TestInner:
        def test_the_tests_in_it_have_one(self) -> None:
            assert not current_mock().requests


@mocked(buckets=["other"])
class TestDecoratedCase(unittest.TestCase):
    """The mock of a `TestCase` runs also during `setUp`, `tearDown` and the cleanups."""

    def setUp(self) -> None:
        self.oss = current_mock()
        self.oss.faults.add("delay", seconds=0.001)
        self.addCleanup(current_mock)

    def tearDown(self) -> None:
        assert current_mock() is self.oss

    def test_the_options_are_used(self) -> None:
        assert current_mock() is self.oss
        assert self.oss.environment["OSS_BUCKET"] == "other"

    def test_each_has_its_own_mock(self) -> None:
        assert len(current_mock().faults) == 1


@mocked
class TestDecoratedAsyncCase(unittest.IsolatedAsyncioTestCase):
    async def test_a_coroutine_has_a_mock(self) -> None:
        await asyncio.to_thread(oss2_bucket().put_object, "a", b"hello")
        assert current_mock().requests.one("PutObject").key == "a"


def test_a_decorated_class_is_the_class_and_keeps_its_tests() -> None:
    assert isinstance(TestDecoratedClass, type)
    for case, count in ((TestDecoratedCase, 2), (TestDecoratedAsyncCase, 1)):
        result = unittest.TestResult()

        unittest.TestLoader().loadTestsFromTestCase(case).run(result)

        assert (result.testsRun, result.errors, result.failures) == (count, [], [])


def generator() -> Iterator[None]:
    yield


async def asynchronous_generator() -> AsyncIterator[None]:
    yield


@pytest.fixture
def a_fixture() -> None:
    """A fixture without `yield`: it ends before the test begins."""


class Helper:
    def upload(self) -> None: ...


class SetUp:
    def setup_method(self) -> None: ...
    def test_a(self) -> None: ...


class Yields:
    def test_a(self) -> Iterator[None]:
        yield


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (generator, "generator yields"),
        (asynchronous_generator, "asynchronous_generator yields"),
        (functools.partial(generator), "yields"),
        (contextmanager(generator), "generator yields"),
        (a_fixture, "neither a function nor a class"),
        (pytest.fixture(generator), "neither a function nor a class"),
        (Yields, r"Yields\.test_a yields"),
        (SetUp, r"SetUp\.setup_method would run without the mock"),
        (Helper, "Helper has no test methods"),
    ],
)
def test_what_would_run_without_the_mock_is_refused(
    function: Callable[..., Any], reason: str
) -> None:
    with pytest.raises(TypeError, match=f"{reason}.*with mock_oss.in_process"):
        mocked(function)


def test_a_function_that_returns_before_its_work_is_refused() -> None:
    async def coroutine() -> None: ...

    for late in (coroutine, generator, asynchronous_generator):
        with pytest.raises(TypeError, match=r"returned before .* mock_oss\.in_process"):
            mocked(lambda late=late: late())()


def test_the_mock_serves_every_thread_and_another_one_is_refused() -> None:
    @mocked
    def outer() -> None:
        asyncio.run(asyncio.to_thread(oss2_bucket().put_object, "a.txt", b"hello"))
        assert current_mock().requests.one("PutObject").key == "a.txt"
        mocked(current_mock)()

    with pytest.raises(MockOSSError, match="another mock already serves"):
        outer()


def test_only_operations_of_oss_sts_and_ram_can_be_asked_for(oss: InProcessMock) -> None:
    for name in ("PutObject", "OptionObject", "NotImplemented", "AssumeRole", "CreateRole"):
        assert oss.requests.all(name) == oss.requests.refused(name) == []
    with pytest.raises(ValueError, match="no operation 'AsumeRole'; similar names: AssumeRole"):
        oss.requests.refused("AsumeRole")
    with pytest.raises(MockOSSError, match="no operation 'PutBucketEncryption'"):
        oss.requests.all("PutBucketEncryption")

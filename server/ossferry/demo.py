"""The whole thing on one machine: a mock OSS and STS, its bucket, and the server in front of it.

The only module that imports the mock. Everything else is the production path: the server asks STS
over HTTP with the official client, and the bucket is prepared as an operator would, with `oss2`.
The mock's keys are handed over explicitly; real credentials in the environment are never looked at.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import oss2
from starlette.types import ASGIApp

import mock_oss.cli
from mock_oss import MockOSS, MockOSSError
from mock_oss.world import ACCESS_KEY_ID, ACCESS_KEY_SECRET, BUCKET, REGION, ROLE_ARN
from ossferry.app import create_app
from ossferry.errors import SettingsError
from ossferry.serving import BackgroundServer, listen
from ossferry.settings import ExplicitSettings, Runtime, Settings, load_settings
from ossferry.sts import StsClient, access_key

__all__ = ["Demo", "prepare_bucket", "run_mock"]

SECRET = "the demo's prefixes stay the same from run to run"  # noqa: S105 - guards a mock only
UNHURRIED = "100000/minute"
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
EXPOSED_HEADERS = [
    "ETag",
    "Date",
    "x-oss-ec",
    "x-oss-err",
    "x-oss-hash-crc64ecma",
    "x-oss-next-append-position",
    "x-oss-request-id",
    "x-oss-server-time",
    "x-oss-version-id",
]


class Demo:
    """Runs mock and server in threads while entered.

    Args:
        host: address to listen on, for both.
        port: port of the server; 0 picks a free one.
        oss_port: port of the mock; 0 picks a free one.
        data_dir: where the mock keeps objects; by default a folder that goes away with it.
        runtime: the interpreter of the page.
        on_exit: called when the server ends, for whatever reason.
        overrides: settings that win over the demo's own.

    Attributes:
        url: where the page is; set once entered, like the rest.
        oss: the mock, to plan faults and look into buckets.
        bucket: the bucket's name.
        settings: what the server runs with.
    """

    url: str
    oss: MockOSS
    bucket: str
    settings: Settings

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        oss_port: int = 0,
        data_dir: Path | None = None,
        runtime: Runtime = "micropython",
        on_exit: Callable[[], None] = lambda: None,
        **overrides: object,
    ) -> None:
        self._host = host
        self._port = port
        self._oss_port = oss_port
        self._data_dir = data_dir
        self._on_exit = on_exit
        self._overrides: dict[str, object] = {"runtime": runtime, **overrides}
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Start the mock, prepare the bucket, start the server.

        Raises:
            SettingsError: a port is taken, or an option is at fault.
        """
        with ExitStack() as starting:
            starting.enter_context(_without_proxies())
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()

    def _start(self, starting: ExitStack) -> None:
        sock = starting.enter_context(listen(self._host, self._port, option="--port"))
        port = sock.getsockname()[1]
        listen(self._host, self._oss_port, option="--oss-port").close()
        self.url = f"http://127.0.0.1:{port}"
        mock = MockOSS(host=self._host, port=self._oss_port, data_dir=self._data_dir, buckets=())
        try:
            self.oss = starting.enter_context(mock)
        except (MockOSSError, OSError) as error:
            raise SettingsError(f"--data-dir: the mock OSS cannot start: {error}.") from error
        self.settings = self._make_settings(port)
        self.bucket = self.settings.bucket
        origins = [f"http://{host}:{port}" for host in self.settings.allowed_hosts]
        prepare_bucket(f"http://127.0.0.1:{self.oss.port}", self.bucket, origins)
        server = BackgroundServer(self._make_app(), sock, on_exit=self._on_exit)
        server.start()
        starting.callback(server.stop)

    def _make_settings(self, port: int) -> Settings:
        hosts = ["127.0.0.1", "localhost"]
        if self._host not in (*EVERY_ADDRESS, *hosts):
            hosts.append(self._host)
        options: dict[str, object] = {
            "bucket": BUCKET,
            "region": REGION,
            "endpoint": f"http://localhost:{self.oss.port}",
            "sts_endpoint": f"http://127.0.0.1:{self.oss.port}",
            "role_arn": ROLE_ARN,
            "secret": SECRET,
            "allow_mock": True,
            "allow_runtime_query": True,
            "rate_per_principal": UNHURRIED,
            "rate_per_address": UNHURRIED,
            "host": self._host,
            "port": port,
            "allowed_hosts": tuple(hosts),
        }
        return load_settings(ExplicitSettings, **{**options, **self._overrides})

    def _make_app(self) -> ASGIApp:
        keys = access_key(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
        return create_app(
            self.settings,
            assume_role=StsClient(self.settings, keys),
            clock=self.oss.clock.now,
        )


def prepare_bucket(endpoint: str, name: str, origins: list[str]) -> None:
    """Create the bucket and give it the CORS rule that the page needs, as an operator would."""
    auth = oss2.AuthV4(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
    bucket = oss2.Bucket(auth, endpoint, name, region=REGION)
    bucket.create_bucket()
    rule = oss2.models.CorsRule(
        allowed_origins=origins,
        allowed_methods=["PUT", "POST", "GET", "HEAD", "DELETE"],
        allowed_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
        max_age_seconds=600,
    )
    bucket.put_bucket_cors(oss2.models.BucketCors([rule], response_vary=True))


def run_mock(arguments: list[str]) -> None:
    """Run the mock's own command line."""
    mock_oss.cli.app(arguments, prog_name="ossferry mock-oss")


@contextmanager
def _without_proxies() -> Iterator[None]:
    """Hide proxies from the SDKs, which send even requests to this very machine through them."""
    names = [name for name in os.environ if name.lower() in ("http_proxy", "all_proxy")]
    hidden = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(hidden)

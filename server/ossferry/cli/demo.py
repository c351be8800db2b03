"""Runs the demo on one machine: the server, and a mock of OSS and STS with one bucket.

Only this module and `ossferry.cli.mock` import the mock. The server works as in production: it
calls STS over HTTP with the official client. This module prepares the bucket with the SDK of OSS,
as an operator would in production. The demo uses the mock's access keys and ignores credentials in
the environment.
"""

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from anyio.from_thread import start_blocking_portal
from starlette.types import ASGIApp

from mock_oss import MockOSS, MockOSSError
from mock_oss.world.model import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    ACCOUNT_ID,
    BUCKET,
    REGION,
    ROLE_ARN,
    BucketSpec,
    Role,
    User,
    World,
)
from ossferry.app import create_app
from ossferry.cli.processes.serving import BackgroundServer, bind
from ossferry.errors import SettingsError
from ossferry.identity.object_keys import INCOMING, UPLOADS
from ossferry.ledger import Database
from ossferry.observability.log_format import logger
from ossferry.observability.metrics import Metrics
from ossferry.oss.bucket import TIMEOUT_S, OssBucket
from ossferry.oss.cors_rule import cors_document, upload_rule
from ossferry.oss.kill_switch import POLICY_NAME
from ossferry.oss.policy import allow
from ossferry.oss.sdk import Sdk
from ossferry.oss.sts import StsClient, StsCredentials, access_key, objects_sts
from ossferry.scanning.worker import scan_uploads
from ossferry.settings.addresses import is_mock_endpoint
from ossferry.settings.choices import UPLOAD_ACTIONS, Runtime
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from ossferry.settings.rules import DEMO_SECRET
from ossferry.setup.documents import compact
from ossferry.setup.wanted import Wanted

log = logger("ossferry.demo")

CLAMD = "/run/clamav/clamd.ctl"
UNHURRIED = "100000/minute"
BELOW_LOCALHOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+localhost")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


def _allow(actions: Sequence[str], *resources: str) -> str:
    return json.dumps({"Version": "1", "Statement": [allow(actions, *resources)]})


WITH_CHECKS: Mapping[str, Any] = {
    "checks": Path(__file__).parent / "samples" / "checks.py",
    "checks_built_in": {
        **dict.fromkeys(("file_type", "json", "xlsx", "zip", "pdf", "secrets"), True),
        "table": {
            "types": {"date": "date", "sku": "text", "amount": "decimal"},
            "aliases": {"date": ["Order date"], "sku": ["Article"], "amount": ["Pieces"]},
            "repair": True,
        },
        "photos": {"max_side": 2048},
    },
    "checks_undo_s": 6,
}
"""The settings with which the page checks files: all checks are on. They need Pyodide."""

ACTIONS = (*UPLOAD_ACTIONS, "oss:PutObjectTagging")
"""The actions that the demo's credentials allow, so that a site can try the option `tags`."""

WANTED = Wanted(
    account=ACCOUNT_ID, bucket=BUCKET, region=REGION, origins=("http://localhost",), plain_http=True
)
"""The names in the policies, which are those that `ossferry setup` makes."""

UPLOAD_ROLE = replace(
    World().roles[0],
    policies=(
        _allow(ACTIONS, *(f"acs:oss:*:*:{BUCKET}/{each}{UPLOADS}*" for each in ("", INCOMING))),
    ),
)
OBJECTS_ROLE = Role(
    name="oss-web-objects", role_id="300000000000000002", policies=(compact("objects", WANTED),)
)
VERSIONS_ROLE = replace(
    OBJECTS_ROLE,
    policies=(
        *OBJECTS_ROLE.policies,
        _allow(
            ("oss:DeleteObjectVersion",),
            *(f"acs:oss:*:*:{BUCKET}/{each}*" for each in (UPLOADS, INCOMING)),
        ),
    ),
)
SERVER = User(
    name="ossferry-server",
    user_id="200000000000000002",
    keys={"LTAI5tMockOssferryServer": "MockOssferryServerSecret000001"},
    policies=(compact("caller", WANTED),),
)
(SERVER_KEY,) = SERVER.keys.items()
SHARER = User(
    name="ossferry-links",
    user_id="200000000000000003",
    keys={"LTAI5tMockOssferryLinks": "MockOssferryLinksSecret0000001"},
    policies=(compact("links", WANTED),),
)
OPERATOR = replace(
    World().users[0],
    policies=(
        *World().users[0].policies,
        _allow(("ram:CreatePolicy",), f"acs:ram:*:{ACCOUNT_ID}:policy/{POLICY_NAME}"),
        compact("kill-switch-operator", WANTED),
    ),
)
WORLD = World(users=(OPERATOR, SERVER, SHARER), roles=(UPLOAD_ROLE, OBJECTS_ROLE))
"""The users and roles of the demo.

The operator prepares the bucket and may use the kill switch. The server may only assume the two
roles. A third user signs links and can only read objects. One role is for pages that upload; the
server uses the other role to manage uploads.
"""


class Demo:
    """Context manager that runs the mock of OSS and STS and the demo server in threads.

    Args:
        host: address on which the mock and the server listen.
        port: port of the server; 0 selects a free port.
        oss_port: port of the mock; 0 selects a free port.
        data_dir: folder for the mock's objects and the ledger; by default temporary folders.
        runtime: Python interpreter of the page.
        world: the mock's cloud account, with its users, roles and custom domains.
        custom_domain: custom domain of the bucket, a name below `localhost`. Pages upload to this
            domain, and the mock behaves like an account that requires a custom domain.
        upload_hosts: additional host names for uploads, below `localhost`: endpoints such as
            `oss-accelerate.localhost`, or custom domains, which the mock binds to the bucket.
        refuse_public_endpoints: whether the mock refuses requests to public endpoints. None means
            True with a custom domain, and otherwise the value in `world`.
        scans: whether uploads are released only after a scan, by a scanner in a thread. It uses
            clamd if it runs on this machine.
        on_exit: called when the thread of the server ends, even after an error.
        overrides: settings that replace the demo's own settings.

    Attributes:
        url: URL of the page. This and the other attributes are set when the `with` block begins.
        oss: the mock; tests use it to inject faults and to inspect buckets.
        bucket: name of the bucket.
        settings: the server's settings.
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
        world: World = WORLD,
        custom_domain: str | None = None,
        upload_hosts: Sequence[str] = (),
        refuse_public_endpoints: bool | None = None,
        scans: bool = False,
        on_exit: Callable[[], None] = lambda: None,
        **overrides: object,
    ) -> None:
        self._host = host
        self._port = port
        self._oss_port = oss_port
        self._data_dir = data_dir
        self._world = world
        self._custom_domain = custom_domain and custom_domain.lower()
        self._upload_hosts = tuple(name.lower() for name in upload_hosts)
        self._refuse_public_endpoints = refuse_public_endpoints
        self._scans = scans
        self._on_exit = on_exit
        checked = {"release": "checked", "clamd": CLAMD if Path(CLAMD).is_socket() else ""}
        self._overrides = {"runtime": runtime, **(checked if scans else {}), **overrides}
        self._running = ExitStack()

    def __enter__(self) -> Self:
        """Start the mock, prepare the bucket, and start the server.

        Raises:
            SettingsError: a port is already in use or given twice, or an option is invalid.
        """
        with ExitStack() as starting:
            starting.enter_context(_without_proxies())
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _start(self, starting: ExitStack) -> None:
        if self._port and self._port == self._oss_port:
            raise SettingsError(
                f"--port and --oss-port are both {self._port}; give two different ports."
            )
        sock = starting.enter_context(bind(self._host, self._port, option="--port"))
        port = sock.getsockname()[1]
        bind(self._host, self._oss_port, option="--oss-port").close()
        self.url = f"http://127.0.0.1:{port}"
        cnames = self._cnames()
        refuse = self._refuse_public_endpoints
        if refuse is None:
            refuse = bool(self._custom_domain) or self._world.refuse_public_endpoints
        world = self._world
        buckets: tuple[BucketSpec, ...] = ()
        if self._overrides.get("undo") == "versions":
            buckets = (BucketSpec(name=BUCKET, versioning="Enabled"),)
            world = replace(
                world,
                roles=tuple(
                    VERSIONS_ROLE if role is OBJECTS_ROLE else role for role in world.roles
                ),
            )
        mock = MockOSS(
            host=self._host,
            port=self._oss_port,
            data_dir=self._data_dir,
            buckets=buckets,
            world=world,
            cnames={**self._world.cnames, **cnames},
            refuse_public_endpoints=refuse,
        )
        try:
            self.oss = starting.enter_context(mock)
        except (MockOSSError, OSError) as error:
            raise SettingsError(f"--data-dir: the mock OSS cannot start: {error}.") from error
        self.settings = self._make_settings(port, starting)
        self.bucket = self.settings.bucket
        origins = [f"http://{host}:{port}" for host in self.settings.allowed_hosts]
        origins += self.settings.cors_origins
        prepare_bucket(self.settings, f"http://127.0.0.1:{self.oss.port}", origins)
        server = BackgroundServer(self._make_app(), sock, on_exit=self._on_exit)
        server.start()
        starting.callback(server.stop)
        if self._scans:
            starting.enter_context(self._scanning())

    def _cnames(self) -> dict[str, str]:
        """Return the custom domains that the mock binds to the bucket, each with the bucket's name.

        These are all names in `custom_domain` and `upload_hosts` that are not endpoints of OSS.

        Raises:
            SettingsError: a name is not below `localhost`, or `custom_domain` is the name of an
                endpoint.
        """
        domain = self._custom_domain
        given = [("--custom-domain", domain)] if domain else []
        given += [("--upload-host", name) for name in self._upload_hosts]
        found = {}
        for option, name in given:
            is_endpoint = is_mock_endpoint(name, BUCKET)
            if not BELOW_LOCALHOST.fullmatch(name) or (is_endpoint and name == domain):
                raise SettingsError(f"{option}: {name} must be a name such as files.localhost.")
            if not is_endpoint:
                found[name] = BUCKET
        return found

    def _ledger_dir(self, starting: ExitStack) -> str:
        if self._data_dir is not None:
            return str(self._data_dir.absolute())
        return starting.enter_context(TemporaryDirectory(prefix="ossferry-ledger-"))

    def _make_settings(self, port: int, starting: ExitStack) -> Settings:
        hosts = ["127.0.0.1", "localhost"]
        if self._host not in (*EVERY_ADDRESS, *hosts):
            hosts.append(self._host)
        options: dict[str, object] = {
            "bucket": BUCKET,
            "region": REGION,
            "endpoint": f"http://{self._custom_domain or 'localhost'}:{self.oss.port}",
            "cname": self._custom_domain is not None,
            "upload_hosts": tuple(f"http://{name}:{self.oss.port}" for name in self._upload_hosts),
            "sts_endpoint": f"http://127.0.0.1:{self.oss.port}",
            "role_arn": ROLE_ARN,
            "actions": ACTIONS,
            "objects_role_arn": OBJECTS_ROLE.arn,
            "share_access_key_id": next(iter(SHARER.keys)),
            "share_access_key_secret": next(iter(SHARER.keys.values())),
            "database_url": f"sqlite:///{self._ledger_dir(starting)}/ledger.db",
            "callback": True,
            "requests": True,
            "admins": ("alice",),
            "objects_endpoint": f"http://127.0.0.1:{self.oss.port}",
            "secret": DEMO_SECRET,
            "allow_mock": True,
            "rate_per_principal": UNHURRIED,
            "rate_per_address": UNHURRIED,
            "host": self._host,
            "port": port,
            "allowed_hosts": tuple(hosts),
        }
        return load_settings(ExplicitSettings, **{**options, **self._overrides})

    def _make_app(self) -> ASGIApp:
        return create_app(
            self.settings,
            assume_role=StsClient(self.settings, access_key(*SERVER_KEY)),
            clock=self.oss.clock.now,
            store=self._make_store(),
            runtime_query=True,
        )

    def _make_store(self) -> OssBucket:
        sts = objects_sts(self.settings, access_key(*SERVER_KEY))
        return OssBucket(self.settings, sts, clock=self.oss.clock.now)

    @contextmanager
    def _scanning(self) -> Iterator[None]:
        """Run a scanner in a thread; `ossferry scan` runs it in a process."""
        with start_blocking_portal() as portal:
            stop = portal.call(asyncio.Event)
            running = portal.start_task_soon(self._scan, stop)
            yield
            portal.call(stop.set)
            running.result()

    async def _scan(self, stop: asyncio.Event) -> None:
        store, database = self._make_store(), Database(self.settings.ledger_url)
        try:
            await scan_uploads(
                self.settings,
                store,
                database,
                stop=stop,
                metrics=Metrics(),
                clock=self.oss.clock.now,
            )
        except SettingsError as error:
            log.error("cannot-scan", reason=str(error))
        finally:
            await database.close()
            await store.close()


def prepare_bucket(settings: Settings, endpoint: str, origins: list[str]) -> None:
    """Create the demo's bucket in the mock, and set the CORS rule that the page needs.

    Args:
        endpoint: URL of the mock.
        origins: origins of the page, which the CORS rule allows.
    """
    operator = StsCredentials(access_key_id=ACCESS_KEY_ID, access_key_secret=ACCESS_KEY_SECRET)
    with closing(Sdk(settings.bucket, settings.region, endpoint)) as sdk:
        bucket = sdk.bucket(operator, endpoint, timeout_s=TIMEOUT_S)
        bucket.change("PutBucket")
        bucket.change("PutBucketCors", Configuration=cors_document([upload_rule(origins)]))


@contextmanager
def _without_proxies() -> Iterator[None]:
    """Return a context in which the environment has no proxy variables.

    Otherwise, the cloud SDKs would use a proxy even for connections to this machine.
    """
    names = [name for name in os.environ if name.lower() in ("http_proxy", "all_proxy")]
    hidden = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(hidden)

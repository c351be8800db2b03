"""`MockOSS`: starts and stops a mock, in a background thread or in the calling thread.

The attributes of `MockOSS` give tests access to the store, the journal, the faults and the clock.
The method `run` is for programs: it serves requests in the calling thread until a signal arrives.
"""

import asyncio
import gc
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from uvicorn.config import Config
from uvicorn.server import ServerState

from mock_oss.app import OPERATION_NAMES, App
from mock_oss.clock import Clock
from mock_oss.control.views import BucketView, StoredObject
from mock_oss.environment import variables
from mock_oss.errors import MockOSSError, PortInUseError
from mock_oss.faults.plan import Faults
from mock_oss.http.protocol import OssProtocol
from mock_oss.identities import Identities
from mock_oss.journal import Journal
from mock_oss.service import Ids, Service
from mock_oss.store.data_directory import Store
from mock_oss.world.model import BucketSpec, World
from mock_oss.world.seeding import fill_store, seed_objects

if TYPE_CHECKING:
    from starlette.types import ASGIApp

KEEP_ALIVE_S = 75
_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
"""Wildcard address -> an address at which this machine reaches it."""


class MockOSS:
    """A mock of OSS and STS that listens on one port.

    Args:
        host: the address to listen on; by default loopback only.
        port: the port to listen on; 0 selects a free port.
        data_dir: the directory for all data; by default a temporary directory.
        world: the accounts, users, keys, roles, policies and buckets at the start; by default
            `World()`.
        buckets: the buckets at the start, as names or `BucketSpec` instances; by default those in
            `world`.
        cnames: a mapping from custom domain to bucket name; by default that in `world`.
        refuse_public_endpoints: whether public endpoints of regions in mainland China refuse
            operations on objects; by default as in `world`.
        clock: the mock's clock; by default the real time.
        seed: a number that makes request ids, upload ids and temporary keys the same in every run.
        seed_dir: a directory whose files `DIR/BUCKET/KEY` are stored at the start; existing
            objects are kept.
        faults: the faults planned from the start, each as keyword arguments of `faults.add`.
        domains: the domains at which requests may use virtual-hosted style, `BUCKET.DOMAIN`.
        allow_hosts: additional host names that are allowed in the Host header of requests to
            `/_mock/`; loopback addresses and the bound address are always allowed.
        private_callbacks: whether upload callbacks may go to private addresses other than loopback.
        idle_timeout_s: seconds without data in a body after which the mock responds with
            RequestTimeout.

    Raises:
        WorldError: the world, a bucket or a fault is not valid.
        PortInUseError: at the start of the `with` block, if another program uses the port.
        DataDirError: at the start of the `with` block, if the directory is unusable or another
            mock uses the directory.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data_dir: Path | str | None = None,
        world: World | None = None,
        buckets: Sequence[str | BucketSpec] | None = None,
        cnames: Mapping[str, str] | None = None,
        refuse_public_endpoints: bool | None = None,
        clock: Clock | None = None,
        seed: int | None = None,
        seed_dir: Path | str | None = None,
        faults: Iterable[Mapping[str, Any]] = (),
        domains: Sequence[str] = ("localhost",),
        allow_hosts: Sequence[str] = (),
        private_callbacks: bool = False,
        idle_timeout_s: float = 60.0,
    ) -> None:
        self.host = host
        self.port = port
        self.clock = clock or Clock()
        self.faults = Faults(faults, operations=OPERATION_NAMES)
        self.requests = Journal(operations=OPERATION_NAMES)
        self.world = _adapted(world or World(), buckets, cnames, refuse_public_endpoints)
        self.seeded = 0
        self._seed_dir = None if seed_dir is None else Path(seed_dir)
        self._data_dir = None if data_dir is None else Path(data_dir)
        self._ids = Ids(seed)
        self._domains = tuple(domains)
        self._allow_hosts = frozenset(name.lower() for name in allow_hosts)
        self._private_callbacks = private_callbacks
        self._idle_timeout_s = idle_timeout_s
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._service: Service | None = None
        self._executors: tuple[ThreadPoolExecutor, ...] = ()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._protocol: Callable[..., Callable[[], OssProtocol]]

    @property
    def endpoint(self) -> str:
        """The URL of OSS and STS for clients on this machine, such as `http://127.0.0.1:PORT`."""
        host = _EVERY_ADDRESS.get(self.host, self.host)
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which SDKs and applications use this mock, as a dict.

        They are `OSS_ENDPOINT`, `OSS_REGION`, `OSS_BUCKET` (the first configured bucket), and
        `OSS_ACCESS_KEY_ID`, `OSS_ACCESS_KEY_SECRET`, `ALIBABA_CLOUD_ACCESS_KEY_ID` and
        `ALIBABA_CLOUD_ACCESS_KEY_SECRET` (the first configured key).
        """
        return variables(self.world, self.endpoint)

    @property
    def store(self) -> Store:
        """The store of the running mock, for data that the views of `bucket()` do not show.

        Raises:
            MockOSSError: the mock is not running.
        """
        return self.service.store

    @property
    def service(self) -> Service:
        """The state of the running mock that all requests share.

        Raises:
            MockOSSError: the mock is not running.
        """
        if self._service is None:
            raise MockOSSError("the mock is not running; use it in a `with` block")
        return self._service

    @property
    def control_hosts(self) -> frozenset[str]:
        """The host names, in lower case, at which the mock serves its control plane, `/_mock/`.

        The mock also serves the control plane at loopback IP addresses.
        """
        return frozenset({"localhost", self.host.lower(), *self._domains}) | self._allow_hosts

    @property
    def cnames(self) -> Mapping[str, str]:
        """The bound custom domains, as a mapping from domain to bucket name."""
        return self.store.cnames.bound

    def bind_cname(self, domain: str, bucket: str) -> None:
        """Bind a custom domain to a bucket, without the ownership token that PutCname requires.

        Raises:
            WorldError: the name is not allowed as a custom domain.
        """
        self.service.bind_cname(domain, bucket)

    def unbind_cname(self, domain: str) -> None:
        """Remove the binding of a custom domain.

        Raises:
            WorldError: the domain is not bound to a bucket.
        """
        self.service.unbind_cname(domain)

    @property
    def refuse_public_endpoints(self) -> bool:
        """Whether public endpoints of regions in mainland China refuse operations on objects.

        Tests may set this attribute.
        """
        return self.service.refuse_public_endpoints

    @refuse_public_endpoints.setter
    def refuse_public_endpoints(self, value: bool) -> None:
        self.service.refuse_public_endpoints = value

    def bucket(self, name: str) -> BucketView:
        """Return a read-only view of a bucket, which does not have to exist."""
        return BucketView(self.service, name)

    def wait_for_upload(self, key: str, *, timeout_s: float = 10.0) -> StoredObject:
        """Wait until the first configured bucket contains an object with a given key; return it.

        For another bucket, use `bucket(name).wait_for_upload`.

        Args:
            key: the object key, or a pattern with `*` and `?`.
            timeout_s: how long to wait, in seconds.

        Raises:
            UploadTimeoutError: no such object was stored in time.
            MockOSSError: the configuration of the mock has no bucket.
        """
        if not self.world.buckets:
            raise MockOSSError("the world of the mock has no bucket")
        return self.bucket(self.world.buckets[0].name).wait_for_upload(key, timeout_s=timeout_s)

    def seed_objects(self, directory: Path, *, keep_existing: bool = False) -> int:
        """Store each file `directory/BUCKET/KEY` as an object; return the number of stored files.

        Missing buckets are created.

        Args:
            directory: the directory.
            keep_existing: True to skip files whose object exists; False to replace existing
                objects.

        Raises:
            WorldError: the directory does not exist, or a bucket name or key is not allowed.
        """
        bucket = BucketSpec(name="seeds", region=self.world.region)
        return seed_objects(self.store, directory, bucket, self.clock, keep_existing=keep_existing)

    def reset(self) -> None:
        """Restore the state at the start: users, roles and buckets, seed files, faults and clock.

        All other data is deleted, including data in the data directory and the journal.
        """
        self.clock.reset()
        self.service.store.clear()
        self.service.identities.directory.reset()
        self._fill()
        self.refuse_public_endpoints = self.world.refuse_public_endpoints
        self.faults.reset()
        self.requests.clear()
        self._ids.restart()

    def _fill(self) -> None:
        fill_store(self.store, self.world, self.clock)
        if self._seed_dir is not None:
            self.seeded = self.seed_objects(self._seed_dir, keep_existing=True)

    def __enter__(self) -> Self:
        self._open()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._thread_main, args=(ready,), name="mock-oss", daemon=True
        )
        self._thread.start()
        ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()
        self._close()

    def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Serve requests in the calling thread until SIGINT, SIGTERM or SIGHUP arrives.

        Args:
            on_ready: a function to call when the port is bound and the store is open.
        """
        self._open()
        try:
            if on_ready is not None:
                on_ready()
            gc.freeze()  # objects created at the start are never garbage: do not scan them again
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve(threading.Event(), signals=True))
        finally:
            self._close()

    def _open(self) -> None:
        try:
            self._bind()
            self._start()
        except BaseException:
            self._close()
            raise

    def _start(self) -> None:
        directory = self._data_dir
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="mock-oss-")
            directory = Path(self._temporary.name)
        store = Store(directory, self._ids.digits, is_temporary=self._temporary is not None)
        digests = ThreadPoolExecutor(max_workers=4, thread_name_prefix="mock-oss-digest")
        callers = ThreadPoolExecutor(max_workers=64, thread_name_prefix="mock-oss-callback")
        self._executors = (digests, callers)
        self._service = Service(
            world=self.world,
            store=store,
            clock=self.clock,
            ids=self._ids,
            identities=Identities(self.world, store),
            faults=self.faults,
            journal=self.requests,
            executor=digests,
            callers=callers,
            domains=self._domains,
            hosts=self.control_hosts,
            refuse_public_endpoints=self.world.refuse_public_endpoints,
            private_callbacks=self._private_callbacks,
            idle_timeout_s=self._idle_timeout_s,
            endpoint=self.endpoint,
        )
        self._fill()

    def _bind(self) -> None:
        self._socket = _bind(self.host, self.port)
        self.port = self._socket.getsockname()[1]

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        for executor in self._executors:
            executor.shutdown()
        if self._service is not None:
            self._service.store.close()
            self._service = None
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _control(self) -> "ASGIApp":
        # Starlette takes long to import, and few tests send requests to the control plane.
        from mock_oss.control.application import control_app

        return control_app(self.service, self.reset)

    def _thread_main(self, ready: threading.Event) -> None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve(ready, signals=False))

    async def _serve(self, ready: threading.Event, *, signals: bool) -> None:
        loop = asyncio.get_running_loop()
        self._loop, self._stop = loop, asyncio.Event()
        if signals:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                    # SIGHUP is ignored under nohup, and must stay ignored.
                    loop.add_signal_handler(number, self._stop.set)
        service = self.service
        app = App(service, self._control)
        config = Config(
            app=app,
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        config.load()
        state = ServerState()
        self._protocol = lambda **options: partial(
            OssProtocol,
            config,
            state,
            app_state={},
            _loop=loop,
            report=service.report_unparsed,
            **options,
        )
        server = await self._listen()
        ready.set()
        try:
            await self._stop.wait()
        finally:
            if server is not None:
                server.close()
            for connection in list(state.connections):
                connection.transport.abort()
            for task in list(state.tasks):
                task.cancel()
            await asyncio.gather(*state.tasks, return_exceptions=True)

    async def _listen(self) -> asyncio.Server | None:
        if self._socket is None:
            raise MockOSSError("the port is not bound")
        loop = asyncio.get_running_loop()
        return await loop.create_server(self._protocol(), sock=self._socket)


def _loop_factory() -> Any:
    """Return the event loop factory that uvicorn prefers: uvloop, except on Windows."""
    return Config(app="", loop="auto", log_config=None).get_loop_factory()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)
    except (OSError, OverflowError) as e:
        bound.close()
        cause = e.strerror if isinstance(e, OSError) else "a port is a number from 0 to 65535"
        raise PortInUseError(
            f"cannot listen on {host}:{port}: {cause}; choose another port, or 0 for a free one"
        ) from e
    bound.setblocking(False)
    return bound


def _adapted(
    world: World,
    buckets: Sequence[str | BucketSpec] | None,
    cnames: Mapping[str, str] | None,
    refuse_public_endpoints: bool | None,
) -> World:
    changes: dict[str, Any] = {"cnames": cnames, "refuse_public_endpoints": refuse_public_endpoints}
    if buckets is not None:
        specs = (b if isinstance(b, BucketSpec) else BucketSpec(name=b) for b in buckets)
        changes["buckets"] = tuple(specs)
    return replace(world, **{name: value for name, value in changes.items() if value is not None})

"""`in_process` and `mocked`: requests of this process to the vendor's hosts reach a mock.

No port is opened, and no request leaves the process. The client's socket is one end of a socket
pair; the mock serves the other end like any other connection. Therefore signatures, faults and cut
connections work as with a port. The TLS handshake of `https` is skipped, because the mock has no
certificate for the vendor's hosts.

Connections of these libraries are redirected: `urllib3` (used by `requests`, `oss2`,
`alibabacloud_oss_v2`, and the synchronous methods of `alibabacloud_tea` clients such as STS), the
copy of `urllib3` in `aliyunsdkcore`, `aiohttp` (used by the asynchronous methods of
`alibabacloud_tea` clients), and `http.client` (used by `urllib`). Meanwhile, other libraries cannot
resolve the vendor's host names, and no library can resolve host names of services that the mock
does not have. Other processes are not affected.
"""

import asyncio
import functools
import http.client
import inspect
import os
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, TypeVar, overload

from mock_oss.environment import replaced_environment
from mock_oss.errors import MockOSSError
from mock_oss.http.addressing import VENDOR_DOMAIN, host_name, is_served
from mock_oss.server import MockOSS

F = TypeVar("F", bound=Callable[..., Any])
_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, functools.partial)
_SET_UP = {"setup_method", "teardown_method"}
_INSTEAD = "use `with mock_oss.in_process()` in it, or the fixture `mock_oss_in_process`"
_current: "list[InProcessMock]" = []


class InProcessMock(MockOSS):
    """A mock without a port; clients in this process reach the mock at the vendor's host names."""

    @property
    def endpoint(self) -> str:
        """The URL of the vendor's OSS endpoint in the region of the mock."""
        return f"https://oss-{self.world.region}.{VENDOR_DOMAIN}"

    @property
    def control_hosts(self) -> frozenset[str]:
        """The host names at which the mock serves its control plane, `/_mock/`.

        They are the names in `MockOSS.control_hosts`, and the host name of `endpoint`.
        """
        return super().control_hosts | {host_name(self.endpoint)}

    def serves(self, host: str) -> bool:
        """Return whether the mock serves requests to a host.

        The mock serves the vendor's host names of OSS, buckets, STS and RAM, and the custom domains
        that are bound to a bucket.

        Args:
            host: the host name, with or without a port.
        """
        name = host_name(host)
        return is_served(name) or name in self.cnames

    def connect(self, *, secure: bool) -> socket.socket:
        """Open a connection to the mock, and return the client's socket.

        Args:
            secure: whether the mock treats the requests as sent with `https`.

        Raises:
            MockOSSError: the mock is not running.
        """
        if self._loop is None:
            raise MockOSSError("the mock is not running; use it in a `with` block")
        client, server = socket.socketpair()
        accepted = self._loop.connect_accepted_socket(self._protocol(secure=secure), server)
        asyncio.run_coroutine_threadsafe(accepted, self._loop)
        return client

    def _bind(self) -> None:
        """Open no port."""

    async def _listen(self) -> None:
        """Wait for no connections: `connect` makes them."""


def current_mock() -> InProcessMock:
    """Return the mock that `mocked` or `in_process` is running in this process.

    Raises:
        MockOSSError: no such mock is running.
    """
    if not _current:
        raise MockOSSError("no mock is running: use mock_oss.mocked or mock_oss.in_process")
    return _current[-1]


@contextmanager
def in_process(**options: Any) -> Iterator[InProcessMock]:
    """Context manager that runs a mock, to which requests for the vendor's hosts are redirected.

    Requests for custom domains that are bound to a bucket are also redirected. Other processes are
    not affected. In the `with` block, the environment variables of `MockOSS.environment` have the
    mock's values, and other variables with credentials are removed.

    Args:
        options: keyword arguments of `MockOSS`, without `host` and `port`.

    Raises:
        MockOSSError: another mock already serves the vendor's hosts in this process.
    """
    if _current:
        raise MockOSSError("another mock already serves the vendor's hosts in this process")
    with ExitStack() as stack:
        oss = stack.enter_context(InProcessMock(**options))
        _current.append(oss)
        stack.callback(_current.clear)
        stack.enter_context(replaced_environment(oss.environment, direct=f".{VENDOR_DOMAIN}"))
        _redirect(oss, stack)
        yield oss


@overload
def mocked(function: F, /) -> F: ...
@overload
def mocked(**options: Any) -> Callable[[F], F]: ...
def mocked(function: Any = None, /, **options: Any) -> Any:
    """Decorator: run a function, a coroutine function or each test of a class with its own mock.

    Each call runs in `with in_process(**options)`. In the function, `current_mock` returns the
    mock. The tests of a class are the methods and nested classes whose names begin with `test` or
    `Test`. The mock of a `unittest.TestCase` also runs during `setUp`, `tearDown` and the cleanups.

    Raises:
        TypeError: code would run before the mock starts or after it has ended. The decorator raises
            this error for a generator function, a pytest fixture, and a class that has
            `setup_method` or `teardown_method`, or no tests. The decorated function raises it if a
            function that is no coroutine function returns a coroutine or a generator.
    """
    if function is None:
        return functools.partial(mocked, **options)
    if isinstance(function, type):
        _mock_class(function, options)
        return function
    return _mocked_function(function, options)


def _mock_class(of: type, options: Mapping[str, Any]) -> None:
    """Replace the tests of a class with tests that have a mock."""
    from unittest import TestCase  # takes long to import, and most tests are functions

    if issubclass(of, TestCase):
        names = ["run", "debug"]
    else:
        names = [name for name in dir(of) if name.startswith(("test", "Test"))]
        for name in _SET_UP & {*dir(of)}:
            raise TypeError(f"{of.__qualname__}.{name} would run without the mock; {_INSTEAD}")
    has_tests = False
    for name in names:
        value = inspect.getattr_static(of, name)
        if isinstance(value, type):
            if value.__qualname__ == f"{of.__qualname__}.{name}":  # not the name of another class
                _mock_class(value, options)
                has_tests = True
        elif callable(value) or isinstance(value, classmethod):
            setattr(of, name, _mocked_function(value, options))
            has_tests = True
    if not has_tests:
        raise TypeError(f"{of.__qualname__} has no test methods; {_INSTEAD}")


def _mocked_function(function: Any, options: Mapping[str, Any]) -> Any:
    """Return a function that runs a function, or a method of a class, with a mock."""
    if isinstance(function, staticmethod | classmethod):
        return type(function)(_mocked_function(function.__func__, options))
    name = getattr(function, "__qualname__", None) or repr(function)
    # Before pytest 8.4, fixtures were functions with this attribute.
    if not isinstance(function, _FUNCTIONS) or hasattr(function, "_pytestfixturefunction"):
        raise TypeError(f"{name} is neither a function nor a class; {_INSTEAD}")
    yielding = inspect.unwrap(function)
    if inspect.isgeneratorfunction(yielding) or inspect.isasyncgenfunction(yielding):
        raise TypeError(f"{name} yields: it would run after the mock has ended; {_INSTEAD}")
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            with in_process(**options):
                return await function(*args, **kwargs)

        return run_async

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with in_process(**options):
            result = function(*args, **kwargs)
        if isinstance(result, Coroutine | Generator | AsyncGenerator):
            if isinstance(result, Coroutine):
                result.close()  # otherwise Python warns that it was never awaited
            raise TypeError(f"{name} returned before it did its work; {_INSTEAD}")
        return result

    return run


def _redirect(oss: InProcessMock, stack: ExitStack) -> None:
    """Replace the methods with which the libraries connect, until the stack is closed.

    A library that is installed is imported here, so that it is redirected even if the code under
    test imports it later.
    """

    def replace(owner: Any, name: str, replacement: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        setattr(owner, name, replacement(oss, original))
        stack.callback(setattr, owner, name, original)

    replace(socket, "getaddrinfo", _refusing)
    vendored = "aliyunsdkcore.vendored.requests.packages.urllib3.connection"
    for module in ("http.client", "urllib3.connection", vendored):
        for name in ("HTTPConnection", "HTTPSConnection"):
            with suppress(ImportError):  # what cannot be imported sends no requests
                replace(getattr(import_module(module), name), "connect", _redirected)
    with suppress(ImportError):
        connector = import_module("aiohttp.connector").TCPConnector
        replace(connector, "_create_connection", _redirected_async)


def _refusing(oss: InProcessMock, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `socket.getaddrinfo` that does not resolve the names of the mock and the vendor."""

    @functools.wraps(original)
    def getaddrinfo(host: Any, *others: Any, **options: Any) -> Any:
        name = host_name(os.fsdecode(host or ""))
        if oss.serves(name):
            raise socket.gaierror(
                socket.EAI_FAIL,
                f"mock_oss does not redirect this library from {name} to the mock; give it the "
                "address of a mock with a port",
            )
        if name.endswith(f".{VENDOR_DOMAIN}"):
            raise socket.gaierror(
                socket.EAI_FAIL, f"mock_oss serves OSS, STS and RAM, and not {name}"
            )
        return original(host, *others, **options)

    return getaddrinfo


def _redirected(oss: InProcessMock, original: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return the method `connect` of a connection of `http.client` or `urllib3`."""

    @functools.wraps(original)
    def connect(self: Any) -> None:
        if not oss.serves(getattr(self, "_tunnel_host", None) or self.host):
            original(self)
            return
        self.sock = oss.connect(secure=self.default_port == http.client.HTTPS_PORT)
        if isinstance(self.timeout, int | float):
            self.sock.settimeout(self.timeout)
        self.is_verified = True  # otherwise urllib3 warns that it did not check a certificate

    return connect


def _redirected_async(oss: InProcessMock, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method with which `aiohttp.TCPConnector` makes a connection for a request."""

    @functools.wraps(original)
    async def create_connection(self: Any, request: Any, *others: Any) -> Any:
        if not oss.serves(request.url.host or ""):
            return await original(self, request, *others)
        client = oss.connect(secure=request.url.scheme == "https")
        client.setblocking(False)
        _, protocol = await self._loop.create_unix_connection(self._factory, sock=client)
        return protocol

    return create_connection

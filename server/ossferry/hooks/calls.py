"""Hooks: application code that is called at least once for each grant, upload and deletion.

A hook is an object with any of the methods `on_granted`, `on_uploaded` and `on_deleted`. An
installed package registers a hook as an entry point of the group `ossferry.hooks`; an application
passes hooks to `create_app`. The settings can add a webhook, which is a URL that receives the
events. An event is stored in the same transaction as the change in the ledger. If a hook fails, the
delivery is repeated for several hours. Synchronous hooks run in a limited number of daemon threads,
so a running hook does not delay the exit of the process.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from ossferry.clock import utc_text
from ossferry.errors import SettingsError
from ossferry.identity.owner import Owner
from ossferry.ledger import AsyncConnection, file_requests, outbox
from ossferry.oss.objects import Stored
from ossferry.settings.model import Settings


class HookThreads:
    """Runs the calls of one hook in threads.

    If a caller stops waiting for a call, the call still counts towards the limit until it ends.

    Args:
        most: maximum number of concurrent calls.
    """

    def __init__(self, most: int) -> None:
        self._places = asyncio.Semaphore(most)

    async def run(self, call: Callable[[], object]) -> None:
        """Run a call in a thread and wait until it ends; exceptions of the call are passed on.

        If the maximum number of calls is already running, first wait until one of them ends.
        """
        await self._places.acquire()
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: Exception | None) -> None:
            self._places.release()
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def work() -> None:
            error = None
            try:
                call()
            except Exception as raised:
                error = raised
            with suppress(RuntimeError):  # the event loop has been closed
                loop.call_soon_threadsafe(settle, error)

        threading.Thread(target=work, daemon=True).start()
        await done


GROUP = "ossferry.hooks"
WEBHOOK = "webhook"
SERVER = "server"
"""The target of events of other processes, which the server passes on to its hooks."""

RESERVED = (WEBHOOK, SERVER)
MAX_THREADS = 8
"""Maximum number of threads for one synchronous hook."""


class EventType(StrEnum):
    """The type of an event; a hook's method for events of type `granted` is `on_granted`."""

    GRANTED = "granted"
    UPLOADED = "uploaded"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A grant, an upload or a deletion, as reported to hooks.

    Attributes:
        at: time of the event, as ISO 8601 in UTC.
        principal: `id`, `hash`, `label` and `prefix` of the principal that got the grant or owns
            the upload. The id is empty if the ledger does not know it.
        data: for an upload `key`, `size`, `crc64`, `etag`, `content_type`, `last_modified`,
            `metadata`, `checks`, `details` and `details_errors`; for a grant `expires_at`; for a
            deletion `key`. `checks` is the result of the checks that the page ran in the browser,
            as reported by the page, which the server cannot verify; None if none were reported.
            `details` are the validated values of the operator's fields; None if they are wrong, as
            `details_errors` says. If a guest sent the file, an upload also has `request` (`id` and
            `title` of the file request) and `guest` (`id`, and `name` and `email` as the guest has
            told them).
    """

    type: EventType
    at: str
    principal: Mapping[str, str]
    data: Mapping[str, Any]


def granted(principal: Owner, expires_at: datetime, now: datetime) -> Event:
    """Return an event that tells hooks that a principal got credentials.

    Args:
        expires_at: time when the credentials expire.
        now: time of the event.
    """
    return _event(EventType.GRANTED, principal, {"expires_at": utc_text(expires_at)}, now)


def uploaded(
    owner: Owner, stored: Stored, now: datetime, *, checks: Mapping[str, Any] | None
) -> Event:
    """Return an event that tells hooks that an object of this owner was stored.

    Args:
        now: time of the event.
        checks: the unverified results of the checks in the browser; None if none were reported.
    """
    data = {
        **{name: getattr(stored, name) for name in ("key", "size", "crc64", "etag")},
        "content_type": stored.content_type,
        "last_modified": utc_text(stored.last_modified),
        "metadata": dict(stored.metadata),
        "checks": checks,
        **(stored.details or {"details": None, "details_errors": []}),
    }
    return _event(EventType.UPLOADED, owner, data, now)


def deleted(owner: Owner, key: str, now: datetime) -> Event:
    """Return an event that tells hooks that an upload of this owner was deleted.

    Args:
        now: time of the event.
    """
    return _event(EventType.DELETED, owner, {"key": key}, now)


def load_hooks(given: Mapping[str, object]) -> dict[str, object]:
    """Return all hooks by name: those passed to `create_app`, and those of installed packages.

    Raises:
        SettingsError: a package's hook cannot be loaded, or a hook has a reserved name: `webhook`
            or `server`.
    """
    found = dict(given)
    for entry in entry_points(group=GROUP):
        try:
            found[entry.name] = entry.load()
        except (ImportError, AttributeError) as error:
            raise SettingsError(
                f"the hook {entry.name} ({entry.value}) cannot be loaded: repair or remove it."
            ) from error
    for name in RESERVED:
        if name in found:
            raise SettingsError(f"the hook name {name} is reserved: rename the hook.")
    return found


def refuse_hooks(given: Mapping[str, object]) -> None:
    """Raise an error if hooks exist; call this if the server has no ledger to queue events in.

    Args:
        given: the hooks that were passed to `create_app`.

    Raises:
        SettingsError: there are given hooks, or hooks of installed packages.
    """
    names = sorted({*given, *(entry.name for entry in entry_points(group=GROUP))})
    if names:
        raise SettingsError(
            f"OSSFERRY_OBJECTS_ROLE_ARN is not set, so hooks are never called ({', '.join(names)}):"
            " set it, or remove the hooks."
        )


class Hooks:
    """Queues events for hooks, wakes the task that delivers them, and calls the hooks.

    Each hook has a delivery task of its own. The webhook, if there is one, counts as a hook.

    Args:
        hooks: the hooks by name; None in a process that is not the server, and does not know the
            hooks of an application. Its events wait for the server.
    """

    def __init__(self, settings: Settings, hooks: Mapping[str, object] | None) -> None:
        self._hooks = hooks or {}
        self._told = (*self._hooks, *([WEBHOOK] if settings.webhook_url else []))
        self._told = self._told if hooks is not None else (SERVER,)
        # a server without hooks needs no task that asks the ledger for events of other processes
        self.targets = (*self._told, SERVER) if self._told else ()
        self._woken = {target: asyncio.Event() for target in self.targets}
        self._threads = {name: HookThreads(MAX_THREADS) for name in self._hooks}

    @property
    def has_any(self) -> bool:
        """Whether at least one hook or a webhook is configured."""
        return bool(self._told)

    async def announce(self, connection: AsyncConnection, event: Event) -> None:
        """Add an event to the queue of each hook that has a method for events of this type.

        The caller must call `wake` after the transaction is committed.

        Args:
            connection: a connection to the ledger, in the same transaction as the reported change.
        """
        targets = [
            target
            for target in self._told
            if target in RESERVED or _method(self._hooks.get(target), event) is not None
        ]
        if targets and event.type is EventType.UPLOADED:
            owner, key = event.principal["hash"], event.data["key"]
            sender = await file_requests.sender(connection, owner, key)
            event = replace(event, data={**event.data, **sender})
        at = datetime.fromisoformat(event.at)
        await outbox.add(connection, targets, asdict(event), at)

    def wake(self) -> None:
        """Wake the delivery tasks of all hooks, so that they deliver queued events immediately."""
        for woken in self._woken.values():
            woken.set()

    async def sleep(self, target: str, most_s: float) -> None:
        """Wait until `wake` is called, or until `most_s` seconds are over.

        Return immediately if `wake` was called after the last call of `begin`.

        Args:
            target: name of the hook whose delivery task waits.
            most_s: the longest wait in seconds.
        """
        with suppress(TimeoutError):  # `wait_for` of Python 3.11 can lose a cancellation here
            async with asyncio.timeout(most_s):
                await self._woken[target].wait()

    def begin(self, target: str) -> None:
        """Reset the wake-up signal of a hook, before its delivery task reads the queue.

        If `wake` is called after this method, the next `sleep` returns immediately.

        Args:
            target: name of the hook.
        """
        self._woken[target].clear()

    async def call(self, name: str, event: Event) -> None:
        """Call the method of one hook for an event; exceptions of the method are passed on.

        Do nothing if the hook is not installed any more, or has no method for the event. A
        synchronous method runs in a thread, which cannot be cancelled: if the caller stops waiting,
        the method continues, and still counts towards `MAX_THREADS`.

        Args:
            name: name of the hook; not `webhook`.
        """
        method = _method(self._hooks.get(name), event)
        if method is None:
            return
        if inspect.iscoroutinefunction(method):
            await method(event)
        else:
            await self._threads[name].run(partial(method, event))


def _method(hook: object, event: Event) -> Any:
    return getattr(hook, f"on_{event.type}", None)


def _event(type_: EventType, principal: Owner, data: Mapping[str, Any], now: datetime) -> Event:
    at = utc_text(now, timespec="milliseconds")
    owner = principal.whole
    named = {name: getattr(owner, name) for name in ("hash", "label", "prefix", "id")}
    return Event(type=type_, at=at, principal=named, data=data)

"""Hooks: an application is told what was granted, uploaded and deleted, at least once.

A hook is an object with any of `on_granted`, `on_uploaded`, `on_deleted`, found as an entry point
of the group ``ossferry.hooks`` or handed to `create_app`; or the webhook of the settings. An event
is written down together with what it tells of, and delivered again until the hook has taken it.
"""

import asyncio
import inspect
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from ossferry.clock import utc_text
from ossferry.errors import SettingsError
from ossferry.hooks.threads import HookThreads
from ossferry.identity.owner import Owner
from ossferry.ledger import AsyncConnection, outbox
from ossferry.oss.objects import Stored
from ossferry.settings.model import Settings

__all__ = ["Event", "EventType", "Hooks", "deleted", "granted", "load_hooks", "uploaded"]

GROUP = "ossferry.hooks"
WEBHOOK = "webhook"
MAX_THREADS = 8
"""Of one plain hook."""


class EventType(StrEnum):
    """What happened; the hook that is told is called `on_` and this."""

    GRANTED = "granted"
    UPLOADED = "uploaded"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        at: when, as ISO 8601 in UTC.
        principal: ``hash``, ``label`` and ``prefix`` of whom it is about.
        data: of an upload ``key``, ``size``, ``crc64``, ``etag``, ``content_type`` and
            ``last_modified``; of a grant ``expires_at``; of something deleted its ``key``.
    """

    type: EventType
    at: str
    principal: Mapping[str, str]
    data: Mapping[str, Any]


def granted(owner: Owner, expires_at: datetime, now: datetime) -> Event:
    """Return the event of credentials that were handed out."""
    return _event(EventType.GRANTED, owner, {"expires_at": utc_text(expires_at)}, now)


def uploaded(owner: Owner, stored: Stored, now: datetime) -> Event:
    """Return the event of an upload that OSS has."""
    data = asdict(stored) | {"last_modified": utc_text(stored.last_modified)}
    return _event(EventType.UPLOADED, owner, data, now)


def deleted(owner: Owner, key: str, now: datetime) -> Event:
    """Return the event of an upload that is gone."""
    return _event(EventType.DELETED, owner, {"key": key}, now)


def load_hooks(given: Mapping[str, object]) -> dict[str, object]:
    """Return the hooks that were handed over and those of installed packages, by name.

    Raises:
        SettingsError: a package's hook cannot be loaded, or one has the name of the webhook.
    """
    found = dict(given)
    for entry in entry_points(group=GROUP):
        try:
            found[entry.name] = entry.load()
        except (ImportError, AttributeError) as error:
            raise SettingsError(
                f"the hook {entry.name} ({entry.value}) cannot be loaded: repair or remove it."
            ) from error
    if WEBHOOK in found:
        raise SettingsError(f"a hook is called {WEBHOOK}, as OSSFERRY_WEBHOOK_URL is: rename it.")
    return found


class Hooks:
    """Everybody who is told."""

    def __init__(self, settings: Settings, hooks: Mapping[str, object]) -> None:
        self._hooks = hooks
        self.targets = (*hooks, *([WEBHOOK] if settings.webhook_url else []))
        self._woken = {target: asyncio.Event() for target in self.targets}
        self._threads = {name: HookThreads(MAX_THREADS) for name in hooks}

    @property
    def has_any(self) -> bool:
        """Whether there is anything to deliver to."""
        return bool(self.targets)

    async def announce(self, connection: AsyncConnection, event: Event) -> None:
        """Have everybody told once this transaction is committed."""
        targets = [
            target
            for target in self.targets
            if target == WEBHOOK or _method(self._hooks.get(target), event) is not None
        ]
        at = datetime.fromisoformat(event.at)
        await outbox.add(connection, targets, asdict(event), at)

    def wake(self) -> None:
        """Have what was announced delivered now."""
        for woken in self._woken.values():
            woken.set()

    async def sleep(self, target: str, most_s: float) -> None:
        """Return when something was announced, or after so long."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken[target].wait(), most_s)

    def begin(self, target: str) -> None:
        """Take note of what is announced from now on."""
        self._woken[target].clear()

    async def call(self, name: str, event: Event) -> None:
        """Call one hook; what it raises comes out. A hook that is gone is passed over.

        A plain hook cannot be stopped: given up, it goes on in its thread, and counts as one of
        those that it may have.
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


def _event(type_: EventType, owner: Owner, data: Mapping[str, Any], now: datetime) -> Event:
    principal = {"hash": owner.hash, "label": owner.label, "prefix": owner.prefix}
    return Event(
        type=type_, at=utc_text(now, timespec="milliseconds"), principal=principal, data=data
    )

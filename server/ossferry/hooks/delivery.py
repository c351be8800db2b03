"""Event delivery to hooks, with retries for several hours if a hook fails.

Webhooks follow the Standard Webhooks specification: `webhook-id`, `webhook-timestamp` and
`webhook-signature`, an HMAC-SHA256 over id, timestamp and body. The id stays the same when an event
is delivered again, so a receiver can ignore duplicates.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Any

import anyio
import httpx

from ossferry.clock import Clock
from ossferry.errors import IssuerLostError
from ossferry.hooks.calls import SERVER, WEBHOOK, Event, EventType, Hooks
from ossferry.ledger import Database, outbox
from ossferry.ledger.outbox import Delivery
from ossferry.observability.log_format import logger
from ossferry.settings.model import Settings
from ossferry.settings.types import webhook_key

AT_ONCE = 8
HOLD_S = 60.0
HOOK_TIMEOUT_S = 15.0
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 3600.0
MAX_ATTEMPTS = 20
"""Five to ten hours in total: the last pauses are 30 to 60 minutes long."""

KEPT = timedelta(days=30)

log = logger("ossferry.delivery")


def webhook_signature(secret: bytes, *, id_: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header `webhook-signature` for one delivery to a webhook.

    It is `v1,` and the base64-encoded HMAC-SHA256 of `{id_}.{timestamp}.{body}`.

    Args:
        secret: the key of the HMAC.
        id_: value of the header `webhook-id`.
        timestamp: value of the header `webhook-timestamp`, in seconds since 1970.
    """
    signed = f"{id_}.{timestamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


@dataclass(slots=True, eq=False, repr=False)
class EventDelivery:
    """Reads due events from the ledger and delivers them to hooks."""

    settings: Settings
    database: Database
    hooks: Hooks
    _: KW_ONLY
    clock: Clock
    chance: Callable[[], float]
    client: httpx.AsyncClient

    async def deliver(self, target: str) -> int:
        """Try to deliver up to `AT_ONCE` due events to one hook; return the number of attempts.

        An event whose delivery failed is due again later. Each hook has its own task that calls
        this method, so a slow hook does not delay the others.

        Args:
            target: name of the hook, or `webhook` for the webhook in the settings.

        Raises:
            LedgerLostError: the ledger does not answer.
        """
        async with self.database.write() as connection:
            due = await outbox.claim(
                connection, self.clock(), target=target, hold_s=HOLD_S, limit=AT_ONCE
            )
        ended = await asyncio.gather(*[self._bring(each) for each in due], return_exceptions=True)
        for lost in ended:
            if lost is not None:
                raise lost  # only now, so that one failure does not interrupt the other deliveries
        return len(due)

    async def forget_old(self) -> None:
        """Delete finished deliveries 30 days after their event, and cancel those without a hook.

        A delivery is cancelled if its hook is no longer installed.
        """
        async with self.database.write() as connection:
            await outbox.pass_over(connection, self.hooks.targets)
            await outbox.forget_old(connection, self.clock() - KEPT)

    async def _pass_on(self, delivery: Delivery) -> None:
        """Add an event of another process to the queues of the hooks."""
        async with self.database.write() as connection:
            await self.hooks.announce(connection, _event(delivery.event))
            await outbox.note(connection, delivery, "delivered")
        self.hooks.wake()

    async def _bring(self, delivery: Delivery) -> None:
        if delivery.target == SERVER:
            await self._pass_on(delivery)
            return
        outcome = "delivered"
        try:
            with anyio.fail_after(HOOK_TIMEOUT_S):
                if delivery.target == WEBHOOK:
                    await self._post(delivery)
                else:
                    await self.hooks.call(delivery.target, _event(delivery.event))
        except Exception as error:
            outcome = _words(error)
            log.warning(
                "hook-failed", hook=delivery.target, attempt=delivery.attempts + 1, error=outcome
            )
        async with self.database.write() as connection:
            if outcome == "delivered":
                await outbox.note(connection, delivery, outcome)
            elif delivery.attempts + 1 >= MAX_ATTEMPTS:
                log.error("hook-given-up", hook=delivery.target, delivery=delivery.id)
                await outbox.note(connection, delivery, f"given up: {outcome}")
            else:
                next_at = self.clock() + timedelta(seconds=self._pause_s(delivery.attempts))
                await outbox.note(connection, delivery, outcome, next_at=next_at)

    async def _post(self, delivery: Delivery) -> None:
        url, given = self.settings.webhook_url, self.settings.webhook_secret
        secret = webhook_key(given.get_secret_value()) if given else b""
        body = json.dumps(delivery.event, separators=(",", ":")).encode()
        timestamp = int(self.clock().timestamp())
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": webhook_signature(
                secret, id_=delivery.id, timestamp=timestamp, body=body
            ),
        }
        async with self.client.stream("POST", url, content=body, headers=headers) as answer:
            if not answer.is_success:
                raise _NotTakenError(answer.status_code)

    def _pause_s(self, attempts: int) -> float:
        pause_s: float = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempts)
        return pause_s * (0.5 + self.chance() / 2)


class _NotTakenError(Exception):
    """Raised if a webhook responded with a status other than 2xx."""


def _words(error: Exception) -> str:
    if isinstance(error, _NotTakenError):
        return f"status {error.args[0]}"
    if isinstance(error, IssuerLostError):
        return error.reason
    return type(error).__name__


def _event(document: Any) -> Event:
    return Event(**{**document, "type": EventType(document["type"])})

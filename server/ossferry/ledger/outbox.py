"""Outbox: a table of events that wait for delivery to hooks.

An event is written in the same transaction as the change that the event reports. Each event is
delivered at least once.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ossferry.ledger.database import AsyncConnection
from ossferry.ledger.tables import deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The delivery of one event to one hook, as a row of the outbox.

    Attributes:
        id: id of the delivery, which is the same for every attempt. Two hooks get the same event
            with different ids.
        target: name of the hook.
        attempts: number of earlier attempts.
    """

    id: str
    target: str
    event: Mapping[str, Any]
    attempts: int


async def add(
    connection: AsyncConnection, targets: Sequence[str], event: Mapping[str, Any], now: datetime
) -> None:
    """Queue an event for delivery to hooks.

    The deliveries start after the transaction of `connection` is committed.

    Args:
        targets: names of the hooks.
        event: the event as JSON data.
        now: time of the event.
    """
    if not targets:
        return
    rows = [
        {
            "id": f"msg_{secrets.token_hex(16)}",
            "target": target,
            "event": json.dumps(event),
            "attempts": 0,
            "next_at": now,
            "made_at": now,
            "outcome": "",
        }
        for target in targets
    ]
    await connection.execute(sa.insert(deliveries), rows)


async def claim(
    connection: AsyncConnection, now: datetime, *, target: str, hold_s: float, limit: int
) -> Sequence[Delivery]:
    """Reserve up to `limit` due deliveries to one hook for this process, and return them.

    The reservation ends after `hold_s` seconds. If a delivery is not finished by then, for example
    because this process has crashed, the delivery is due again.

    Args:
        target: name of the hook.
    """
    due = (
        sa.select(deliveries)
        .where(deliveries.c.next_at <= now, deliveries.c.target == target)
        .order_by(deliveries.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = (await connection.execute(due)).all()
    if rows:
        await connection.execute(
            sa.update(deliveries)
            .where(deliveries.c.id.in_([row.id for row in rows]))
            .values(next_at=now + timedelta(seconds=hold_s))
        )
    return [
        Delivery(id=row.id, target=row.target, event=json.loads(row.event), attempts=row.attempts)
        for row in rows
    ]


async def pass_over(connection: AsyncConnection, known: Sequence[str]) -> None:
    """Cancel all deliveries to hooks that are no longer installed.

    Args:
        known: names of the installed hooks.
    """
    await connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.next_at.is_not(None), deliveries.c.target.not_in(known))
        .values(next_at=None, outcome="not installed")
    )


async def note(
    connection: AsyncConnection,
    delivery: Delivery,
    outcome: str,
    *,
    next_at: datetime | None = None,
) -> None:
    """Record the result of a delivery attempt, and schedule the next attempt.

    Args:
        outcome: `delivered`, or a short description of the failure.
        next_at: time of the next attempt; None if the delivery succeeded or is given up.
    """
    await connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.id == delivery.id)
        .values(attempts=delivery.attempts + 1, next_at=next_at, outcome=outcome[:100])
    )


async def forget_old(connection: AsyncConnection, before: datetime) -> None:
    """Delete finished deliveries of events that were created before a given time."""
    await connection.execute(
        sa.delete(deliveries).where(deliveries.c.next_at.is_(None), deliveries.c.made_at < before)
    )

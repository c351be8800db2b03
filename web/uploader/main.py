"""Puts the page together: ports, engine, view; then takes files."""

import asyncio

from uploader.browser.checksum import ChecksumWorker
from uploader.browser.clock import PACE_MS, BrowserClock, Pace
from uploader.browser.entropy import BrowserRandom
from uploader.browser.http import BrowserHttp
from uploader.browser.interop import collect_rarely
from uploader.browser.network import BrowserNetwork
from uploader.browser.page import window
from uploader.browser.server.calls import call
from uploader.browser.server.grants import ServerGrants
from uploader.browser.server.receipts import ServerReceipts
from uploader.browser.storage import BrowserStorage
from uploader.browser.tabs import BrowserTabs
from uploader.transfer.engine import Engine
from uploader.transfer.errors import GrantRefused, ServerRefused
from uploader.transfer.grants.credentials import GrantKeeper
from uploader.transfer.grants.quota import Room
from uploader.transfer.pacing.connections import Budget
from uploader.transfer.pacing.retry import waits_for
from uploader.transfer.ports import Ports
from uploader.transfer.queue import Queue
from uploader.transfer.resuming.journal import Journal
from uploader.transfer.resuming.leftovers import Leftovers
from uploader.view.actions import Actions
from uploader.view.adding import Adding
from uploader.view.app import show
from uploader.view.model import QueueModel
from uploader.view.page.grant import GrantModel
from uploader.view.reporting import FEATURE, Reporting
from uploader.view.signals import Computed, effect, report_errors_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from uploader.transfer.grants.grant import Grant
    from uploader.transfer.upload import Upload

__all__ = ["queue"]

LOOK_S = 2.0

WRITING_MS = 500.0
QUEUED = 2  # small requests for each connection, of which the browser sends one
MANY = 20  # uploads at once: of those one reads the sum
MANY_MS = 250.0


def start() -> Queue:
    """Start the page and return what all its uploads are in."""
    report_errors_to(window.report_error)
    clock = BrowserClock()
    receipts = ServerReceipts()
    ports = Ports(
        http=BrowserHttp(),
        checksum=ChecksumWorker(),
        clock=clock,
        grants=ServerGrants(),
        random=BrowserRandom(),
        network=BrowserNetwork(),
        storage=BrowserStorage(),
        receipts=receipts,
        tabs=BrowserTabs(),
    )
    grant = GrantModel()

    def fetched(found: "Grant | None", error: "Exception | None") -> None:
        grant.fetched(found, error, clock.now_s())
        if found:
            queue.allow(found.limits)
            engine.room.granted(found.left)
        elif isinstance(error, ServerRefused) and error.quota:
            engine.room.used_up(error.quota)

    keeper = GrantKeeper(ports.grants, clock, on_fetched=fetched)
    model = QueueModel(clock, soon=Pace(lambda: MANY_MS if model.running.get() > MANY else PACE_MS))
    has_many = Computed(lambda: model.running.get() > MANY)
    effect(lambda: collect_rarely(with_many=bool(has_many.get())))
    journal = Journal(ports, keeper, on_change=model.found)
    engine = Engine(ports, keeper, Budget(queued=QUEUED), journal)
    receipts.on_left = engine.room.told
    engine.room.on_change = lambda: grant.left.set(engine.room.left().facts())
    writing = Pace(lambda: WRITING_MS)
    queue = Queue(engine, on_change=model.changed, soon=writing, report=window.report_error)
    actions = Actions(queue, model, grant, clock, window.origin())
    show(model, grant, actions)

    def counted(upload: "Upload") -> None:
        engine.room.counted(upload.number)
        queue.reported(upload)

    engine.awaits_receipt = lambda: grant.can(FEATURE)
    reporting = Reporting(
        receipts,
        clock,
        grant,
        is_sending=model.running.get,
        counted=counted,
    )
    model.on_done = reporting.arrived
    model.on_refused = reporting.refused
    actions.forget_credentials = keeper.forget
    actions.unreported = reporting.waiting
    actions.look_for_room = lambda: _start_task(_look_for_room(keeper, engine.room))
    adding = Adding(queue, model, actions, clock, new_id=lambda: ports.random.hex(16))

    def show_elsewhere(answer: "dict[str, Any]") -> None:
        actions.open("elsewhere", answer, model, queue.leftovers)

    window.receive_files(lambda files: _start_task(adding.add(files)))
    window.when_hidden(queue.write_now)
    _start_task(_look_for_unfinished(queue.leftovers, grant, show_elsewhere))
    _start_task(_look_round(model, clock))
    window.ready()
    if window.is_embedded():
        actions.open("frame", model, actions)
    return queue


def _start_task(work: "Coroutine[Any, Any, None]") -> None:
    asyncio.create_task(work)  # noqa: RUF006 - all of these end by themselves


async def _look_for_unfinished(
    leftovers: Leftovers, grant: GrantModel, show_elsewhere: "Callable[[dict[str, Any]], None]"
) -> None:
    """Ask at once what may be done here, to say it, and what is unfinished, here or elsewhere.

    The view is told of a grant that is refused. The first file asks again, and so does a person
    who comes back, perhaps from signing in.
    """
    answer = None
    while answer is None:
        try:
            await leftovers.find()
            if not grant.can("unfinished"):
                return
            answer = await call("GET", "/api/unfinished")
        except ServerRefused as error:
            if not waits_for(error):
                return
            await window.looked_at_again()
    _start_task(leftovers.remove_empty(answer["uploads"]))
    answer["uploads"] = await leftovers.of_other_devices(answer["uploads"])
    if answer["uploads"]:
        show_elsewhere(answer)


async def _look_for_room(keeper: GrantKeeper, room: Room) -> None:
    """Ask what a quota leaves now, and wake who waits for it."""
    try:
        if room.is_limited():
            await keeper.anew()
    except GrantRefused:
        return  # the view is told of it, and who waits goes on waiting
    window.try_now()


async def _look_round(model: QueueModel, clock: BrowserClock) -> None:
    while True:
        await clock.sleep(LOOK_S)
        model.look_round()


queue = start()

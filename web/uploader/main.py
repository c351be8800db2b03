"""Puts the page together: ports, engine, view; then takes files."""

import asyncio

from uploader.browser import page
from uploader.browser.checksum import ChecksumWorker
from uploader.browser.clock import BrowserClock
from uploader.browser.entropy import BrowserRandom
from uploader.browser.grants import ServerGrants
from uploader.browser.http import BrowserHttp
from uploader.browser.network import BrowserNetwork
from uploader.browser.storage import BrowserStorage
from uploader.transfer.budget import Budget
from uploader.transfer.credentials import GrantKeeper
from uploader.transfer.engine import Engine
from uploader.transfer.errors import GrantRefused
from uploader.transfer.journal import Journal
from uploader.transfer.ports import Ports
from uploader.transfer.queue import Queue
from uploader.view.app import Actions, show, show_grant
from uploader.view.model import QueueModel
from uploader.view.signals import batch, report_errors_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.browser.files import BrowserFile

__all__ = ["start"]


def start() -> None:
    """Start the page."""
    report_errors_to(page.report_error)
    clock = BrowserClock()
    ports = Ports(
        http=BrowserHttp(),
        checksum=ChecksumWorker(page.checksum_url()),
        clock=clock,
        grants=ServerGrants(),
        random=BrowserRandom(),
        network=BrowserNetwork(),
        storage=BrowserStorage(),
    )
    keeper = GrantKeeper(ports.grants, clock, on_fetched=show_grant)
    model = QueueModel(clock)
    journal = Journal(ports.storage, keeper, on_change=model.found)
    engine = Engine(ports, keeper, Budget(), journal)
    queue = Queue(engine, on_change=model.changed)
    show(model, Actions(queue, model, page.origin()))

    def receive(files: "list[BrowserFile]") -> None:
        batch(lambda: [queue.add(file) for file in files])

    page.receive_files(receive)
    asyncio.create_task(_first_grant(journal))  # noqa: RUF006 - ends by itself
    page.ready()


async def _first_grant(journal: Journal) -> None:
    """Ask at once what may be done here, to say it, and what an earlier page left unfinished."""
    try:
        await journal.load()
    except GrantRefused:
        return  # the view has been told; the first file asks again


start()

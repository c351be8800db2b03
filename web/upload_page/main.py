"""Start the page: create the uploader and the view, connect them, and accept files."""

from ossferry_uploader.browser.clock import PACE_MS, BrowserClock, Pace
from ossferry_uploader.browser.event_loop import run_in_slices
from ossferry_uploader.browser.interop import JsException, collect_rarely
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.options import metadata_of
from ossferry_uploader.transfer.pacing.retry import waits_for
from ossferry_uploader.transfer.queue import Queue
from ossferry_uploader.transfer.resuming.unfinished import UnfinishedUploads
from ossferry_uploader.uploader import Uploader
from upload_page.browser import window
from upload_page.browser.own_server import grants, server
from upload_page.browser.preconnect import Preconnect
from upload_page.view.actions import Actions
from upload_page.view.adding import Adding
from upload_page.view.app import show
from upload_page.view.grant_model import GrantModel
from upload_page.view.model import QueueModel
from upload_page.view.signals import Computed, effect, report_errors_to
from upload_page.view.taken_names import TakenNames
from upload_page.view.words.text import language

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from ossferry_uploader.transfer.grants.grant import Grant

__all__ = ["queue"]

FIND_STALLED_S = 2.0
WRITING_MS = 500.0
MANY = 20  # running uploads; with more, the view is updated less often
MANY_MS = 250.0


def start() -> Queue:
    """Create and connect all parts of the page, and return the queue of its uploads."""
    run_in_slices()
    report_errors_to(window.report_error)
    clock = BrowserClock()
    grant, preconnect = GrantModel(), Preconnect()

    def fetched(answer: "Grant | None", error: "Exception | None") -> None:
        grant.fetched(answer, error, clock.now_s())
        if answer:
            preconnect.connect(answer.bucket.origin)
            required = [field["name"] for field in answer.details if field["required"]]
            uploader.queue.required = [metadata_of(name) for name in required]
            uploader.queue.min_files = answer.limits.min_files
            window.start(uploader.queue.checking.load(answer.features))

    model = QueueModel(clock, soon=Pace(lambda: MANY_MS if model.running.get() > MANY else PACE_MS))
    has_many = Computed(lambda: model.running.get() > MANY)
    effect(lambda: collect_rarely(with_many=bool(has_many.get())))
    uploader = Uploader(
        server,
        on_fetched=fetched,
        on_records=model.records_changed,
        on_change=model.changed,
        soon=Pace(lambda: WRITING_MS),
        report=window.report_error,
        language=language.get,
        grants=grants,
    )
    queue, quota = uploader.queue, uploader.engine.quota
    quota.on_change = lambda: grant.left.set(quota.left().facts())
    model.on_refused = uploader.reporting.refused
    actions = Actions(uploader, model, grant, clock, open_dialog=_call_on_demand)
    model.on_done = actions.arrived
    model.on_found = actions.use_found
    show(model, grant, actions)
    random = uploader.ports.random
    names = TakenNames(queue, uploader.engine, _ask_names, window.report_error)
    adding = Adding(queue, model, actions, clock, names=names, new_id=lambda: random.hex(16))
    window.when_hidden(lambda: _hide(uploader))

    window.receive_files(adding.take)

    def find_unfinished() -> None:
        window.start(_find_unfinished(queue.unfinished, grant, model, actions))

    opens = "guest" if window.is_for_guests() else "embedding" if window.is_embedded() else ""
    if opens:
        adding.close()  # until a guest is admitted, or the embedding site has given its options
        given = (model, grant, actions, adding, find_unfinished)
        window.start(_serve(actions.ask(opens, *given)))
    else:
        find_unfinished()
    window.start(_find_stalled(model, clock))
    window.ready()
    return queue


async def _serve(opening: "Coroutine[Any, Any, None]") -> None:
    """Serve a guest, or the page that embeds this one; it first gives its options."""
    try:
        await opening
    except (JsException, ServerRefused) as error:  # the server did not answer
        window.report_error(error)
        window.fail()


def _hide(uploader: "Uploader") -> None:
    """Write the records of a hidden page, which may end; an idle page drops its credentials."""
    uploader.queue.write_now()
    if not uploader.queue.is_sending():
        uploader.keeper.drop()


async def _ask_names(paths: "list[str]") -> "Any":
    return (await server.call("POST", "/api/objects/taken", {"paths": paths})).get("taken")


async def _call_on_demand(name: str, *given: "Any") -> "Any":
    """Call one of `on_demand.FUNCTIONS` and return its result; the first call loads their code."""
    await window.load_modules("on_demand")
    from upload_page.on_demand import FUNCTIONS, prepare

    await prepare()
    return await FUNCTIONS[name](*given)


async def _find_unfinished(
    unfinished: UnfinishedUploads, grant: GrantModel, model: QueueModel, actions: Actions
) -> None:
    """Find the unfinished uploads of this browser and of other devices, and show them.

    The function also requests the first grant. If the server does not answer, or nobody is signed
    in, the function tries again when the person comes back to the page or the network is back.
    """
    answer = None
    while answer is None:
        try:
            await unfinished.find()
            if grant.recorded():
                await actions.ask("interrupted", actions.uploader)
            if not grant.can("unfinished"):
                return
            answer = await server.call("GET", "/api/unfinished")
            answer["uploads"] = grant.own(answer["uploads"])
        except ServerRefused as error:
            if not waits_for(error):
                return  # the view shows the error
            await window.person_or_network_back()
    window.start(unfinished.remove_empty(answer["uploads"]))
    answer["uploads"] = await unfinished.of_other_devices(answer["uploads"])
    if answer["uploads"]:
        actions.open_dialog("other_devices", answer, model, unfinished)


async def _find_stalled(model: QueueModel, clock: BrowserClock) -> None:
    while True:
        await clock.sleep(FIND_STALLED_S)
        model.find_stalled()


queue = start()

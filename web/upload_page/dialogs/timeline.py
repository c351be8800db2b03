"""The dialog that draws the times of the latest requests to OSS, for the support team."""

import json

from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.oss.keys import safe_name
from ossferry_uploader.transfer.timeline import without_secrets
from upload_page.browser.dom import bars, element
from upload_page.dialogs.dialog import Dialog
from upload_page.view.words.text import number, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ossferry_uploader.transfer.timeline import Timing
    from ossferry_uploader.transfer.upload import Upload
    from upload_page.browser.dom import Element
    from upload_page.view.actions import Actions

SHOWN = 100  # the latest requests that the dialog draws; the copy has all
PHASES = ("waited", "sent", "answered")


async def show_timeline(actions: "Actions", upload: "Upload | None" = None) -> None:
    """Open the dialog with the latest requests to OSS; return when it is closed.

    Args:
        upload: the upload whose requests are shown; `None` for all uploads.
    """
    dialog = Dialog("timeline", say("timeline"), wide=True)
    timings = actions.uploader.engine.timeline.latest(upload.number if upload else None)
    now_s = BrowserClock().elapsed_s()
    if timings:
        legend = element("p", {"class": "legend hint"})
        for phase in PHASES:
            legend.append(element("span", {"class": phase}, say(f"timeline_{phase}")))
        table = _table(timings[-SHOWN:], now_s)
        attributes = {"class": "table", "tabindex": "0", "role": "region"}
        attributes["aria-label"] = say("timeline")
        dialog.body.append(legend, element("div", attributes, table))
        copied = json.dumps(without_secrets(timings, now_s))
        dialog.offer("timeline_copy", lambda: actions.copy(copied), main=True)
    else:
        dialog.body.append(element("p", None, say("timeline_none")))
    await dialog.closed.wait()


def _table(timings: "list[Timing]", now_s: float) -> "Element":
    heads = element("tr")
    for name in ("file", "request", "times", "total", "answer", "id"):
        heads.append(element("th", {"scope": "col"}, say(f"timeline_{name}")))
    begun_s = min([timing.asked_s for timing in timings])
    end_s = max([now_s if timing.ended_s is None else timing.ended_s for timing in timings])
    body = element("tbody")
    for timing in timings:
        phases_s = timing.phases_s(now_s)
        told = [say(f"timeline_{PHASES[index]}") + " " + _ms(phases_s[index]) for index in range(3)]
        drawing = bars(timing.asked_s - begun_s, phases_s, end_s - begun_s, classes=PHASES)
        part = f" {timing.part}" if timing.name == "UploadPart" else ""
        answer = str(timing.status) if timing.status else timing.error or say("timeline_runs")
        is_bad = timing.error or timing.status >= 400
        times = element("td", {"class": "times", "dir": "ltr", "title": " · ".join(told)}, drawing)
        times.append(element("span", {"class": "visually-hidden"}, " · ".join(told)))
        named = element("td", {"dir": "auto"}, safe_name(timing.file))
        line = element("tr", None, named)
        line.append(
            element("td", {"dir": "ltr"}, timing.name + part),
            times,
            element("td", {"class": "number"}, _ms(sum(phases_s))),
            element("td", {"class": "bad" if is_bad else ""}, answer),
            element("td", {"dir": "ltr"}, element("code", None, timing.request_id)),
        )
        body.append(line)
    return element("table", {"class": "timeline"}, element("thead", None, heads), body)


def _ms(seconds: float) -> str:
    return say("milliseconds", number=number(int(1000 * seconds)))

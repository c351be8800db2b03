"""Names that the person has uploaded before are found before the first byte is sent."""

import asyncio

import pytest

from ossferry_uploader.oss.encryption import PublicKey
from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.checks.verdict import Verdict
from ossferry_uploader.transfer.errors import GrantRefused, ServerRefused
from ossferry_uploader.transfer.grants.limits import Limits
from ossferry_uploader.transfer.options import REFUSE, Options
from ossferry_uploader.transfer.queue import Queue
from support.fake_checks import FakeChecks
from support.fakes import FakeClock, FakeFile, crc64_of_zeros, make_engine, make_ports, until
from upload_page.view.adding import Adding
from upload_page.view.model import QueueModel
from upload_page.view.taken_names import TakenNames

KEY = "uploads/alice-1/2026-03-14/00/a.txt"
OLD = {"key": KEY, "size": 3, "stored_at": "2026-03-14T09:00:00Z", "crc64": "7"}


class Site:
    """A page whose server knows stored files by path, and a person who answers `answers`."""

    def __init__(self, stored=None, answers=(), features=("taken", "objects"), tab=0, checks=None):
        self.stored = {"a.txt": OLD} if stored is None else stored
        self.answers = list(answers)
        self.asked, self.paths, self.reports, self.skipped = [], [], [], []
        self.proposals, self.replaced = [], []
        self.running = self.most_running = 0
        self.fails = None
        clock = FakeClock()
        self.ports = make_ports(clock)
        self.ports.grants.features = list(features)
        self.ports.random.count = 100 * tab
        self.describes = ""
        if checks:
            self.ports.grants.features.append("checks")
            self.ports.checks = FakeChecks("*.hei?")
            for name, made in checks.items():
                self.ports.checks.verdicts[name] = Verdict(file=FakeFile(made))
        engine = make_engine(self.ports)
        model = QueueModel(clock)
        self.queue = Queue(engine, on_change=model.changed)
        self.names = TakenNames(self.queue, engine, self.answer, self.reports.append)
        random = self.ports.random
        self.adding = Adding(
            self.queue, model, self, clock, names=self.names, new_id=lambda: random.hex(16)
        )

    async def answer(self, paths):
        self.paths.append(paths)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        for _ in range(50):
            await asyncio.sleep(0)
        self.running -= 1
        if self.fails == "silent":
            await asyncio.Event().wait()
        if self.fails:
            raise self.fails
        return [self.stored.get(path) for path in paths]

    async def ask(self, what, new, old, name, more, now_s, proposal, problem):
        """Answer as the person, after all files whose names are free have been sent."""
        others = [each for each in self.queue.uploads if not each.awaits_name]
        await until(lambda: all(each.state in states.ENDED for each in others))
        same = old.get("same") if isinstance(old, dict) else None
        self.asked.append((name, same, more))
        waiting = [each.key for each in self.queue.uploads if each.awaits_name]
        assert not [key for key in waiting if key in self.ports.http.objects]
        answer = self.answers.pop(0)
        if answer is None:
            raise ServerRefused(0)
        self.proposals.append(proposal)
        if self.describes:
            self.queue.describe(self.queue.uploads[0], self.describes, {})
            self.describes = ""
        return answer[0], answer[1], answer[2] if len(answer) > 2 else proposal

    def skip(self, upload):
        self.skipped.append(upload.file.name)
        self.queue.cancel(upload)

    def replace(self, old, upload):
        self.replaced.append((old.upload.name, upload.name))

    async def add(self, *files):
        await self.adding.add(files)
        await until(lambda: all(each.state in states.ENDED for each in self.queue.uploads))
        return {each.file.name: each for each in self.queue.uploads}


@pytest.mark.parametrize(
    ("answer", "state", "replaces"),
    [
        (("keep_both", False), states.DONE, ""),
        (("replace", False), states.DONE, KEY),
        (("skip", False), states.CANCELLED, ""),
        (None, states.DONE, ""),
    ],
    ids=["keep both", "replace", "skip", "no dialog"],
)
async def test_a_file_whose_name_is_taken_waits_for_the_person(answer, state, replaces):
    site = Site(answers=[answer])

    uploads = await site.add(FakeFile("a.txt"), FakeFile("b.txt"))

    assert site.asked == [("a.txt", False, 0)]
    assert (uploads["b.txt"].state, uploads["b.txt"].target.replaces) == (states.DONE, "")
    assert (uploads["a.txt"].state, uploads["a.txt"].target.replaces) == (state, replaces)
    assert site.skipped == (["a.txt"] if state == states.CANCELLED else [])


async def test_one_answer_may_count_for_all():
    stored = {name: dict(OLD, key=name) for name in ("a.txt", "b.txt", "c.txt")}
    site = Site(stored, [("keep_both", False), ("replace", True)])

    uploads = await site.add(*[FakeFile(name) for name in sorted(stored)])

    assert site.asked == [("a.txt", False, 2), ("b.txt", False, 1)]
    assert [uploads[name].target.replaces for name in sorted(stored)] == ["", "b.txt", "c.txt"]


async def test_a_name_is_looked_for_in_its_folders_and_in_that_of_the_grant():
    site = Site({})
    site.ports.grants.prefix = "uploads/alice-1/course-7/essays/"
    site.queue.options = Options(folder="orders")

    await site.add(
        FakeFile("a.txt", path="x/.y"), FakeFile("n" * 200, path="/".join(["d" * 200] * 5))
    )

    assert site.paths == [["course-7/essays/orders/x/_y/a.txt"]]


async def test_the_name_of_a_refused_file_is_not_asked_about():
    site = Site({})
    site.queue.allow(Limits(types=[".txt"]))

    uploads = await site.add(FakeFile("a.txt"), FakeFile("a.png"))

    assert (site.paths, uploads["a.png"].state) == ([["a.txt"]], states.FAILED)


@pytest.mark.parametrize("kind", ["options", "asks", "features"])
async def test_nothing_is_asked_if_no_name_can_be_taken_or_nobody_answers(kind):
    site = Site(features=() if kind == "features" else ["taken"])
    site.adding.asks = kind != "asks"
    if kind == "options":
        site.queue.options = Options(same_name=REFUSE)

    uploads = await site.add(FakeFile("a.txt"))

    assert (site.paths, site.asked, uploads["a.txt"].state) == ([], [], states.DONE)


@pytest.mark.parametrize(
    ("fails", "reports"),
    [
        (ServerRefused(0), 0),
        (ServerRefused(503), 0),
        (GrantRefused(502), 0),
        (ServerRefused(400), 1),
        ("silent", 0),
    ],
    ids=["offline", "busy", "no grant", "refused", "silent"],
)
async def test_without_an_answer_files_are_sent(fails, reports):
    site = Site()
    site.fails, site.names.patience_s = fails, 0.01 if fails == "silent" else 2.0

    await site.add(*[FakeFile(f"{number}.txt") for number in range(221)])
    uploads = await site.add(FakeFile("a.txt"))

    assert {each.state for each in uploads.values()} == {states.DONE}
    assert (site.asked, len(site.reports)) == ([], reports)
    assert len(site.paths) <= 3  # a server that does not answer is not asked for the rest


@pytest.mark.parametrize("answer", [None, [], [OLD, OLD]])
async def test_an_answer_that_is_none_stops_no_file(answer):
    site = Site()

    async def give(paths):
        return answer

    site.names._ask = give

    uploads = await site.add(FakeFile("a.txt"))

    assert (uploads["a.txt"].state, site.asked) == (states.DONE, [])


async def test_many_names_are_asked_in_few_requests_two_at_a_time():
    site = Site({})

    await site.add(*[FakeFile(f"{number}.txt") for number in range(421)])

    assert [len(paths) for paths in site.paths] == [20, 200, 200, 1]
    assert site.most_running <= 2


SAME = dict(OLD, size=10, crc64=str(crc64_of_zeros(10)))


@pytest.mark.parametrize(
    ("stored", "kind", "asked"),
    [
        (SAME, "", [("a.txt", True, 0)]),
        (dict(SAME, crc64="7"), "", [("a.txt", False, 0)]),
        (dict(SAME, crc64=None), "", [("a.txt", False, 0)]),
        (SAME, "encrypted", [("a.txt", None, 0)]),
        (SAME, "skip-identical", []),
        (dict(SAME, crc64="7"), "skip-identical", [("a.txt", False, 0)]),
    ],
    ids=["same", "other", "unknown", "encrypted", "skipped", "other is not skipped"],
)
async def test_the_dialog_says_whether_the_content_is_the_same(stored, kind, asked):
    site = Site({"a.txt": stored}, [("keep_both", False)])
    site.ports.grants.encryption = PublicKey("ff" * 63 + "01", 3) if kind == "encrypted" else None
    site.ports.grants.features.append(kind)

    await site.add(FakeFile("a.txt"))

    assert site.asked == asked


async def test_the_content_that_checks_may_make_of_a_file_is_unknown():
    site = Site({}, [])
    (upload,) = (await site.add(FakeFile("a.txt"))).values()
    site.queue.checking.concerns = lambda _upload: True

    for crc64, same in ((SAME["crc64"], True), ("7", None)):
        old = dict(SAME, crc64=crc64)
        assert await site.names.compare(upload, old)
        assert old["same"] is same


async def test_what_the_person_cancels_or_pauses_meanwhile_stays_so():
    stored = {name: dict(OLD, key=name) for name in ("a.txt", "b.txt")}
    site = Site(stored, [("keep_both", False)])
    answer = site.answer

    async def slow(paths):
        first, second = site.queue.uploads
        first.cancel()
        second.pause()
        return await answer(paths)

    site.names._ask = slow
    await site.adding.add([FakeFile("a.txt"), FakeFile("b.txt")])
    first, second = site.queue.uploads

    assert (first.state, second.paused_for, site.asked) == (
        states.CANCELLED,
        states.BY_PERSON,
        [("b.txt", False, 0)],
    )
    second.resume()
    await until(lambda: second.state == states.DONE)


async def test_a_file_gets_the_name_that_the_person_gives_unless_it_is_taken_too():
    stored = {name: dict(OLD, key=name) for name in ("a.txt", "a (2).txt", "mine.txt")}
    site = Site(stored, [("rename", False), ("rename", False, "mine.txt"), ("rename", False)])

    (upload,) = (await site.add(FakeFile("a.txt"))).values()

    assert site.proposals == ["a (2).txt", "a (3).txt", "mine (2).txt"]
    assert site.paths == [["a.txt"], ["a (2).txt"], ["mine.txt"], ["mine (2).txt"]]
    assert (upload.state, upload.name) == (states.DONE, "mine (2).txt")


async def test_files_of_one_name_in_the_list_get_numbers():
    site = Site({}, [("rename", True)])

    await site.add(*[FakeFile("a", path="x") for _ in range(3)])

    assert [upload.name for upload in site.queue.uploads] == ["a", "a (2)", "a (3)"]
    assert [upload.key.rpartition("/")[2] for upload in site.queue.uploads] == [
        "a",
        "a (2)",
        "a (3)",
    ]


@pytest.mark.parametrize("when", ["server", "checksum"])
async def test_nothing_is_asked_about_a_name_that_the_person_changes_meanwhile(when):
    site = Site({"a.txt": SAME}, [("replace", False)])
    ask, compute = site.names._ask, site.ports.checksum.crc64

    def rename():
        if site.queue.uploads[0].name == "a.txt":
            site.queue.describe(site.queue.uploads[0], "b.txt", {})

    async def slow(paths):
        answer = await ask(paths)
        if when == "server":
            rename()
        return answer

    async def slow_checksum(piece):
        rename()
        return await compute(piece)

    site.names._ask, site.ports.checksum.crc64 = slow, slow_checksum

    uploads = await site.add(FakeFile("a.txt"))

    assert (site.asked, uploads["a.txt"].target.replaces) == ([], "")
    assert uploads["a.txt"].key.endswith("/b.txt")


async def test_a_file_that_an_earlier_page_has_asked_about_is_not_asked_about_again():
    """Another answer could not take back what the record says."""
    before, after = Site(), Site(answers=[("keep_both", False)], tab=1)
    left = before.queue.add(FakeFile("a.txt", modified=7))
    left.pause()
    before.queue.replace(left, KEY)
    await until(lambda: left.record.saved[0])
    after.ports.storage.named = before.ports.storage.named
    journal, find = after.names._engine.journal, after.names.find
    claim = journal.claim
    begun = asyncio.Event()

    async def slow_claim(record):
        claimed = await claim(record)
        begun.set()
        for _ in range(20):
            await asyncio.sleep(0)
        return claimed

    async def find_meanwhile(uploads):
        await begun.wait()
        return await find(uploads)

    journal.claim, after.names.find = slow_claim, find_meanwhile

    uploads = await after.add(FakeFile("a.txt", modified=7), FakeFile("b.txt"))

    assert (after.asked, after.paths) == ([], [["b.txt"]])
    assert (uploads["a.txt"].key, uploads["a.txt"].target.replaces) == (left.key, KEY)


@pytest.mark.parametrize(
    ("choice", "state", "replaces"),
    [("keep_both", states.DONE, ""), ("replace", states.DONE, KEY), ("skip", states.CANCELLED, "")],
)
async def test_the_name_that_a_check_has_given_is_asked_about(choice, state, replaces):
    site = Site({"a.jpg": OLD}, [(choice, False)], checks={"a.heic": "a.jpg", "b.heic": "b.jpg"})

    uploads = await site.add(FakeFile("a.heic"), FakeFile("b.heic"))

    assert site.asked == [("a.jpg", None, 0)]
    assert site.paths == [["a.heic", "b.heic"], ["a.jpg", "b.jpg"]]
    assert uploads["b.jpg"].state == states.DONE
    last = site.queue.uploads[0]
    assert (last.state, last.target.replaces) == (state, replaces)


async def test_files_whose_given_names_are_taken_get_other_names_and_are_converted_again():
    checks = {f"{stem}.heic": f"{stem}.jpg" for stem in ("a", "b", "a (2)", "b (2)")}
    site = Site({"a.jpg": OLD, "b.jpg": OLD}, [("rename", True)], checks=checks)

    await site.add(FakeFile("a.heic"), FakeFile("b.heic"))

    found = [(each.name, each.file.name, each.state) for each in site.queue.uploads]
    assert found == [(f"{stem} (2).jpg", f"{stem} (2).jpg", states.DONE) for stem in "ab"]


async def test_a_choice_about_the_chosen_name_does_not_count_for_the_given_one():
    site = Site({"a.heic": OLD}, [("replace", False)], checks={"a.heic": "a.jpg"})

    uploads = await site.add(FakeFile("a.heic"))

    assert (site.asked, uploads["a.jpg"].target.replaces) == ([("a.heic", False, 0)], "")


async def test_an_answer_about_the_given_name_counts_after_a_reload():
    checks, stored = {"a.heic": "a.jpg"}, {"a.jpg": OLD}
    before, after = Site(stored, checks=checks), Site(stored, tab=1, checks=checks)

    async def pause_and_replace(*given):
        before.queue.uploads[0].pause()
        return "replace", False, ""

    before.ask = pause_and_replace
    await before.adding.add([FakeFile("a.heic", modified=7)])
    left = before.queue.uploads[0]
    await until(lambda: left.target.replaces and left.record.saved[0])
    after.ports.storage.named = before.ports.storage.named

    uploads = await after.add(FakeFile("a.heic", modified=7))

    assert (after.asked, uploads["a.jpg"].target.replaces) == ([], KEY)


async def test_an_open_question_does_not_delay_files_whose_given_name_is_free():
    site = Site({"a.txt": OLD}, [("skip", False)], checks={"a.heic": "a.jpg"})
    ask = site.ask

    async def ask_for_long(*given):
        await site.adding.add([FakeFile("a.heic")])
        await until(lambda: site.queue.uploads[-1].state == states.DONE)
        return await ask(*given)

    site.ask = ask_for_long
    uploads = await site.add(FakeFile("a.txt"))

    assert uploads["a.jpg"].state == states.DONE


async def test_two_files_that_checks_give_one_name_are_asked_about_once():
    site = Site({}, [("replace", False)], checks={"a.heic": "a.jpg", "a.heif": "a.jpg"})

    await site.add(FakeFile("a.heic"), FakeFile("a.heif"))

    assert site.asked == [("a.jpg", None, 0)]
    assert site.replaced == [("a.jpg", "a.jpg")]


async def test_an_answer_about_a_file_that_was_cancelled_meanwhile_replaces_nothing():
    site = Site({}, [("replace", False)], checks={"a.heic": "a.jpg", "a.heif": "a.jpg"})
    ask = site.ask

    async def cancel_and_ask(*given):
        site.queue.cancel(next(each for each in site.queue.uploads if each.awaits_name))
        return await ask(*given)

    site.ask = cancel_and_ask
    await site.add(FakeFile("a.heic"), FakeFile("a.heif"))

    assert (len(site.asked), site.replaced) == (1, [])


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "in the list"])
async def test_a_name_from_the_details_is_asked_about(is_stored):
    site = Site({"b.txt": OLD} if is_stored else {}, [("rename", False), ("keep_both", False)])
    if not is_stored:
        await site.add(FakeFile("b.txt"))
    upload = site.queue.add(FakeFile("a.txt"))
    upload.pause()

    site.queue.describe(upload, "b.txt", {})
    upload.resume()
    await until(lambda: upload.state == states.DONE)

    assert [name for name, _, _ in site.asked] == ["b.txt"]
    assert upload.name == "b (2).txt"


async def test_a_name_that_changes_during_the_question_is_asked_about_then():
    site = Site({"a.txt": OLD, "b.txt": OLD}, [("keep_both", False), ("replace", False)])
    site.describes = "b.txt"

    uploads = await site.add(FakeFile("a.txt"))

    assert [name for name, _, _ in site.asked] == ["a.txt", "b.txt"]
    assert uploads["a.txt"].target.replaces == KEY

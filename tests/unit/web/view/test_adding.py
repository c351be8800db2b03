"""Files are added immediately; the user is asked about names that are already in the list."""

import pytest

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.queue import Queue
from support.fakes import FakeClock, FakeFile, make_engine, make_ports, until
from upload_page.view.adding import Adding
from upload_page.view.model import QueueModel
from upload_page.view.taken_names import TakenNames


class Person:
    """A user who answers each question with the next of `answers`; records the questions."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def ask(self, what, new, old, name, more, now_s, proposal, problem):
        self.asked.append((new.name, more))
        choice, for_all = self.answers.pop(0)
        return choice, for_all, proposal


def make(person):
    clock = FakeClock()
    model = QueueModel(clock)
    engine = make_engine(make_ports(clock))
    queue = Queue(engine, on_change=model.changed)
    names = TakenNames(queue, engine, None, print)  # the server cannot search
    ids = iter(["first", "second", "third"])
    return Adding(queue, model, person, clock, names=names, new_id=lambda: next(ids)), queue


@pytest.mark.parametrize(
    ("answer", "names"), [("keep_both", ["a.txt", "b.txt", "a.txt"]), ("skip", ["a.txt", "b.txt"])]
)
async def test_two_files_of_one_name_in_one_drop_are_asked_about(answer, names):
    person = Person((answer, False))
    adding, queue = make(person)

    await adding.add([FakeFile("a.txt"), FakeFile("a.txt"), FakeFile("b.txt")])

    assert person.asked == [("a.txt", 0)]
    assert [upload.file.name for upload in queue.uploads] == names


class SlowFiles:
    """Files that take the page some time each."""

    def __init__(self, clock, count, seconds):
        self._clock = clock
        self._left = count
        self._seconds = seconds

    def __iter__(self):
        return self

    def __next__(self):
        if not self._left:
            raise StopIteration
        self._left -= 1
        self._clock.advance(self._seconds)
        return FakeFile(f"{self._left}.txt")


async def test_many_files_keep_nobody_waiting_longer_than_a_few_hundredths_of_a_second():
    adding, queue = make(Person())
    clock = adding._clock
    breaths = []
    clock.sleep = lambda seconds: breath(breaths, clock, queue)

    await adding.add(SlowFiles(clock, 60, 0.005))

    gaps = [breaths[n] - breaths[n - 1] for n in range(1, len(breaths))]
    assert len(queue.uploads) == 60
    assert max(gaps) <= 0.025


async def breath(breaths, clock, queue):
    if not breaths or breaths[-1] != clock.elapsed_s():
        breaths.append(clock.elapsed_s())


async def test_two_files_of_one_name_in_two_folders_are_not():
    person = Person()
    adding, queue = make(person)

    await adding.add([FakeFile("a.txt", path="x"), FakeFile("a.txt", path="y")])

    assert (person.asked, len(queue.uploads)) == ([], 2)


async def test_one_answer_may_count_for_all_that_follow():
    person = Person(("skip", True))
    adding, queue = make(person)
    files = [FakeFile(name) for name in ("a.txt", "b.txt", "c.txt")]
    await adding.add(files)

    await adding.add(files)

    assert (person.asked, len(queue.uploads)) == ([("a.txt", 2)], 3)


async def test_a_file_is_looked_at_when_it_is_added_and_not_before():
    adding, queue = make(Person())
    added_before = []

    def given():
        for number in range(150):
            added_before.append(len(queue.uploads))
            yield FakeFile(f"{number}.txt")

    await adding.add(given())
    queue.cancel_all()
    await until(lambda: all(upload.state in states.ENDED for upload in queue.uploads))

    assert added_before == list(range(150))


def folder_ids(queue):
    return [upload.target.folder_id for upload in queue.uploads]


async def test_the_files_of_a_folder_stay_together_in_the_bucket():
    adding, queue = make(Person())
    files = [FakeFile("a.txt", path="trip"), FakeFile("a.txt", path="trip/day 1")]

    await adding.add(files)
    await adding.add([FakeFile("b.txt", path="other")])

    assert folder_ids(queue) == ["first", "first", "second"]


@pytest.mark.parametrize(
    "pair",
    [
        [FakeFile(".a", path="trip"), FakeFile("_a", path="trip")],
        [FakeFile("a", path="trip/.x"), FakeFile("a", path="trip/_x")],
        [FakeFile("n" * 300 + "1.txt", path="trip"), FakeFile("n" * 300 + "2.txt", path="trip")],
        [
            FakeFile("a", path="/".join(["d" * 200] * 4)),
            FakeFile("b", path="/".join(["d" * 200] * 4)),
        ],
    ],
)
async def test_files_whose_keys_could_be_one_do_not(pair):
    adding, queue = make(Person())

    await adding.add(pair)

    assert "" in folder_ids(queue)


async def test_the_id_of_the_folder_is_part_of_the_keys():
    adding, queue = make(Person())

    await adding.add([FakeFile("a.txt", path="trip"), FakeFile("b.txt", path="trip")])
    await until(lambda: all(upload.state == states.DONE for upload in queue.uploads))

    assert [upload.key.partition("/first/")[2] for upload in queue.uploads] == [
        "trip/a.txt",
        "trip/b.txt",
    ]


async def test_what_is_kept_beside_a_file_of_its_name_is_an_object_of_its_own():
    adding, queue = make(Person(("keep_both", False)))
    await adding.add([FakeFile("a.txt", path="trip"), FakeFile("a.txt", path="trip")])

    assert folder_ids(queue)[1] == ""


async def test_single_files_share_nothing():
    adding, queue = make(Person())

    await adding.add([FakeFile("a.txt"), FakeFile("b.txt")])

    assert folder_ids(queue) == ["", ""]


def names(queue):
    return [upload.file.name for upload in queue.uploads]


async def test_r67_files_are_pending_from_when_they_are_taken_until_they_are_in_the_list():
    adding, queue = make(Person())
    adding.close()

    adding.take([FakeFile("a.txt")])
    assert (adding.pending.get(), names(queue)) == (1, [])
    adding.open()
    await until(lambda: not adding.pending.get())

    assert names(queue) == ["a.txt"]


@pytest.mark.parametrize("is_closed", [True, False])
async def test_files_that_are_dropped_before_they_are_in_the_list_are_not_added(is_closed):
    adding, queue = make(Person())
    if is_closed:
        adding.close()

    adding.take([FakeFile("a.txt")])
    adding.drop()
    adding.open()
    adding.take([FakeFile("b.txt")])
    await until(lambda: not adding.pending.get())

    assert names(queue) == ["b.txt"]


async def test_what_is_dropped_while_the_person_is_asked_is_not_added():
    adding, queue = make(Person(("keep_both", False)))
    ask = adding._actions.ask

    async def ask_and_drop(*given):
        adding.drop()
        return await ask(*given)

    adding._actions.ask = ask_and_drop
    adding.take([FakeFile("a.txt"), FakeFile("a.txt")])
    await until(lambda: not adding.pending.get())

    assert names(queue) == ["a.txt"]

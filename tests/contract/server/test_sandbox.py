"""The locked process of the checks: what code that a file controls cannot do."""

import asyncio
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ossferry.checks.selection import select_checks
from ossferry.errors import SettingsError
from ossferry.scanning import checking
from ossferry.scanning.checking import Job, check_file, find_locks
from ossferry.scanning.sandbox import MACHINES, Locks, filter_program
from ossferry.settings.checks import CheckSettings
from ossferry_checks.runner import Limits, Verdict

ATTEMPTS = {
    "connects": "socket.create_connection(('127.0.0.1', PORT), 1)",
    "opens a Unix socket": "socket.socket(socket.AF_UNIX)",
    "sends to a Unix socket": "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "forks": "os._exit(0) if os.fork() == 0 else None",
    "runs a program": "os.execv('/bin/true', ['true'])",
    "starts a program": "subprocess.run(['/bin/true'])",
    "opens io_uring": "call(425, 8, b'\\0' * 120)",
    "leaves its namespaces": "call(272, 0x10000000)",
    "reads memory of its parent": "call(310, os.getppid(), b'\\0' * 16, 1, b'\\0' * 16, 1, 0)",
    "traces its parent": "call(101, 16, os.getppid(), 0, 0)",
    "kills its parent": "os.kill(os.getppid(), 9)",
    "limits its parent": "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (3, 3))",
    "slows down its parent": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "raises its own limits": "resource.setrlimit(resource.RLIMIT_DATA, (1 << 40, 1 << 40))",
    "takes memory that nobody counts": "os.memfd_create('x')",
    "types into the terminal": "fcntl.ioctl(2, 0x5412, b'x')",
    "reads its parent's environment": "open(f'/proc/{os.getppid()}/environ').read()",
    "reads the environment of process 1": "open('/proc/1/environ').read()",
    "reads its own descriptors": "os.listdir('/proc/self/fd')",
    "reads a key file": "open(KEY).read()",
    "lists the folder of the key file": "os.listdir(os.path.dirname(KEY))",
    "writes into the folder of the file": "open(file.path.with_name('x'), 'w')",
    "changes the file": "open(file.path, 'r+')",
    "shortens the key file": "os.truncate(KEY, 0)",
    "gives the key file away": "os.chown(KEY, 1, 1)",
    "writes into /tmp": "open('/tmp/ossferry-escape', 'w')",
    "makes a link": "os.symlink(KEY, 'link')",
}
CHECKS = """
import ctypes, fcntl, mmap, os, resource, shutil, socket, subprocess, tempfile, threading, time
from ossferry_checks import Note, check

KEY, PORT = {key!r}, {port}

def call(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) == -1:
        raise OSError(ctypes.get_errno(), "refused")

@check("*attempts*")
def attempts(file):
    said = []
    for code in {attempts!r}:
        try:
            eval(code, {{**globals(), "file": file}})
        except BaseException as error:
            said.append(type(error).__name__)
        else:
            said.append("done")
    return Note(attempts=" ".join(said))

@check("*modes*")
def modes(file):
    os.chmod(KEY, 0o777)
    os.utime(KEY, (0, 0))

@check("*usual*")
def usual(file):
    import csv, sqlite3, zoneinfo  # read from the disk only now
    copy = file.folder / "copy"
    shutil.copy2(file.path, copy)
    thread = threading.Thread(target=lambda: copy.rename(file.folder / "renamed"))
    thread.start()
    thread.join()
    with tempfile.TemporaryFile() as spare:
        spare.write(b"x")
    return Note(
        copied=(file.folder / "renamed").read_text(),
        environment=",".join(sorted(os.environ)),
        zone=zoneinfo.ZoneInfo("Asia/Shanghai").key,
    )

@check("greedy*", "loop*", max_seconds=0.3)
def loop(file):
    while True:
        pass

@check("greedy*")
def memory(file):
    return [bytes(1 << 20) for _ in range(1000)] and None

@check("greedy*")
def shared_memory(file):
    mmap.mmap(-1, 4 << 30)

@check("greedy*")
def writes(file):
    with (file.folder / "large").open("wb") as out:
        out.truncate(10_000_000_000)

@check("greedy*", max_seconds=20)
def nests(file):
    os.chdir(file.folder)
    for _ in range(5000):
        os.mkdir("a")
        os.chdir("a")
    time.sleep(60)

@check("greedy*", max_seconds=0.3)
def forges(file):
    os.write(int(file.path.read_text()), b'{{"check": "forges"}}\\n' * 3)
    time.sleep(60)

@check("greedy*")
def shouts(file):
    os.write(int(file.path.read_text()), b"x" * 2_000_000)
"""
OUT = 4
"""The descriptor by which the process answers."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="module")
def settings(folder: Path) -> Iterator[CheckSettings]:
    key = folder / "keys" / "secret"
    key.parent.mkdir()
    key.write_text("a secret")
    key.chmod(0o600)
    path = folder / "checks.py"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        path.write_text(CHECKS.format(key=str(key), port=port, attempts=[*ATTEMPTS.values()]))
        yield CheckSettings(checks=path)


def run(settings: CheckSettings, folder: Path, name: str, content: str = "content") -> Verdict:
    path = folder / name
    path.write_text(content)
    return asyncio.run(check_file(settings, select_checks(settings), Job(path=path)))


@pytest.fixture(scope="module")
def notes(settings: CheckSettings, folder: Path) -> dict[str, str]:
    """Return what the checks note that run to their end."""
    return run(settings, folder, "attempts, modes, usual.txt").notes


@pytest.mark.parametrize(("at", "attempt"), [*enumerate(ATTEMPTS)], ids=ATTEMPTS)
def test_t69_a_check_cannot_leave_its_process(notes: dict[str, str], at: int, attempt: str) -> None:
    error = "ValueError" if attempt == "raises its own limits" else "PermissionError"

    assert notes["attempts"].split()[at] == error


def test_t69_modes_and_times_of_other_files_stay(settings: CheckSettings, folder: Path) -> None:
    key = folder / "keys" / "secret"
    before = key.stat()

    run(settings, folder, "modes.txt")

    assert (key.stat().st_mode, key.stat().st_mtime) == (before.st_mode, before.st_mtime)


def test_a_check_works_as_usual(notes: dict[str, str]) -> None:
    assert (notes["copied"], notes["zone"]) == ("content", "Asia/Shanghai")
    assert notes["environment"] == "LC_CTYPE,TMPDIR"


def test_t69_a_check_cannot_use_the_machine_up(
    settings: CheckSettings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "LIMITS", Limits(memory=400_000_000))
    allowed = settings.model_copy(update={"checks_on_error": "allow"})

    verdict = run(allowed, folder, "greedy.txt", content=str(OUT))

    assert {each.check: each.says for each in verdict.ran} == {
        "loop": "It took longer than 0.3 seconds.",
        "memory": "It needed more than 0.4 GB of memory.",
        "shared_memory": "OSError: [Errno 12] Cannot allocate memory (checks.py, line 56)",
        "writes": "It wrote more than 1 GB into new files.",
        "nests": "It wrote more than 1 GB into new files.",
        "forges": "It crashed: an answer that is none",
        "shouts": "It crashed: an answer that is none",
    }


def test_this_machine_locks_processes() -> None:
    assert asyncio.run(find_locks()) == Locks(calls=True, files=True)


def test_an_upload_is_not_checked_without_a_lock(
    settings: CheckSettings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "usual.txt").write_text("")
    monkeypatch.setattr(checking, "CHILD", ("-I", "-c", UNLOCKED))
    job = Job(path=folder / "usual.txt", needs_locks=True)

    with pytest.raises(SettingsError, match="cannot lock the process in"):
        asyncio.run(check_file(settings, select_checks(settings), job))


UNLOCKED = """
from ossferry.scanning import child, sandbox
sandbox.MACHINES = {}
child.main()
"""


def test_the_process_ends_with_its_parent(settings: CheckSettings, folder: Path) -> None:
    path = folder / "loop.txt"
    path.write_text("")
    command = [sys.executable, "-c", PARENT, str(settings.checks), str(path)]
    parent = subprocess.Popen(command)  # noqa: S603
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    until = time.monotonic() + 20
    while not (pids := children.read_text().split()) and time.monotonic() < until:
        time.sleep(0.02)

    parent.kill()
    parent.wait()

    while Path(f"/proc/{pids[0]}").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{pids[0]}").exists()


PARENT = """
import asyncio, sys
from pathlib import Path
from ossferry.checks.selection import select_checks
from ossferry.scanning.checking import Job, check_file
from ossferry.settings.checks import CheckSettings
settings = CheckSettings(checks=Path(sys.argv[1]))
while True:
    asyncio.run(check_file(settings, select_checks(settings), Job(path=Path(sys.argv[2]))))
"""


# The filter on both machines

CALLS = {
    "socket": ({"x86_64": 41, "aarch64": 198}, (), 1),
    "fork": ({"x86_64": 57}, (), 1),
    "chmod": ({"x86_64": 90, "aarch64": 53}, (), 0),
    "clone3": ({"x86_64": 435, "aarch64": 435}, (), 38),
    "clone a process": ({"x86_64": 56, "aarch64": 220}, (0x1200011,), 1),
    "clone a thread": ({"x86_64": 56, "aarch64": 220}, (0x3D0F00,), None),
    "kill oneself": ({"x86_64": 62, "aarch64": 129}, (77, 6), None),
    "kill another": ({"x86_64": 62, "aarch64": 129}, (78, 6), 1),
    "own limits": ({"x86_64": 302, "aarch64": 261}, (0, 1), None),
    "limits of another": ({"x86_64": 302, "aarch64": 261}, (78, 1), 1),
    "stream pair": ({"x86_64": 53, "aarch64": 199}, (1, 0x80001), None),
    "datagram pair": ({"x86_64": 53, "aarch64": 199}, (1, 0x80002), 1),
    "ioctl TIOCSTI": ({"x86_64": 16, "aarch64": 29}, (2, 0x5412), 1),
    "ioctl TIOCSCTTY": ({"x86_64": 16, "aarch64": 29}, (2, 0x540E), 1),
    "ioctl TIOCLINUX": ({"x86_64": 16, "aarch64": 29}, (2, 0x541C), 1),
    "ioctl TCGETS": ({"x86_64": 16, "aarch64": 29}, (2, 0x5401), None),
    "read": ({"x86_64": 0, "aarch64": 63}, (), None),
    "x32": ({"x86_64": 0x40000029}, (), 1),
}


def decided(program: bytes, architecture: int, number: int, arguments: tuple[int, ...]) -> int:
    """Run a filter as the kernel does, and return what it decides."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    at, register = 0, 0
    while True:
        code, yes, no, value = struct.unpack_from("<HBBI", program, at * 8)
        at += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            (register,) = struct.unpack_from("<I", data, value)
        elif code == 0x54:
            register &= value
        else:
            holds = {0x15: register == value, 0x35: register >= value, 0x45: bool(register & value)}
            at += yes if holds[code] else no


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", CALLS)
def test_the_filter_of_calls(machine: str, call: str) -> None:
    numbers, arguments, error = CALLS[call]
    architecture, other = MACHINES[machine][1], 0x40000003

    program = filter_program(machine, 77)

    wanted = 0x7FFF0000 if error is None else 0x00050000 | error
    if machine in numbers:
        assert decided(program, architecture, numbers[machine], arguments) == wanted
    assert decided(program, other, 0, ()) == 0x80000000

"""Locks this process in before it reads the file of a stranger.

Three things bound what the process can do, even if the file takes control of it:

- Limits of memory, CPU time, open files and the size of files.
- A filter of system calls (seccomp): no network, no other programs or processes, no memory that
  the limits do not count, and no change of other processes, of owners and of modes.
- Landlock: only the files of Python can be read, and only one folder can be written.

The last two exist on Linux only. They need no rights, and stay for the life of the process. The
module uses only Python's standard library, because it runs before everything else.

Source: the manual pages seccomp(2), landlock(7), prctl(2), capset(2) and setrlimit(2).
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""The column in the tables of calls, and the number of the architecture in a filter."""

REFUSED = """
accept        43 202  accept4      288 242  bind           49 200  connect       42 203
listen        50 201  socket        41 198  sendmmsg      307 269  io_uring_setup 425 425
fork          57   -  vfork         58   -  execve         59 221  execveat     322 281
ptrace       101 117  process_vm_readv 310 270  process_vm_writev 311 271  kcmp 312 272
process_madvise 440 440  process_mrelease 448 448  pidfd_open 434 434  pidfd_getfd 438 438
pidfd_send_signal 424 424  tkill   200 130  rt_sigqueueinfo 129 138  rt_tgsigqueueinfo 297 240
setpriority  141 140  ioprio_set   251  30  sched_setaffinity 203 122  sched_setparam 142 118
sched_setscheduler 144 119  sched_setattr 314 274  move_pages 279 239  migrate_pages 256 238
memfd_create 319 279  memfd_secret 447 447  shmget         29 194  semget        64 190
msgget        68 186  mq_open      240 180  io_setup      206   0
bpf          321 280  perf_event_open 298 241  userfaultfd 323 282  keyctl     250 219
add_key      248 217  request_key  249 218  unshare       272  97  setns        308 268
modify_ldt   154   -  inotify_init 253   -  inotify_init1 294  26  fanotify_init 300 262
open_by_handle_at 304 265  truncate 76 45
setxattr     188   5  lsetxattr    189   6  fsetxattr     190   7
removexattr  197  14  lremovexattr 198  15  fremovexattr  199  16
chown         92   -  lchown        94   -  fchown         93  55  fchownat     260  54
"""
"""The calls that fail with EPERM, each with its numbers on x86_64 and aarch64."""

IGNORED = """
chmod 90 -  fchmod 91 52  fchmodat 268 53  fchmodat2 452 452
utime 132 -  utimes 235 -  futimesat 261 -  utimensat 280 88
"""
"""The calls that succeed and change nothing, because `shutil.copy` makes them."""

UNKNOWN = "clone3 435 435"
"""The call that fails with ENOSYS, so that the C library starts threads by `clone`."""

CLONE_THREAD = 0x10000
SOCK_STREAM, SOCK_TYPES = 1, 0xF
TERMINAL = (0x5412, 0x540E, 0x541C)
"""TIOCSTI, TIOCSCTTY and TIOCLINUX, which type into a terminal, or take it."""

KILL, ALLOW, ERROR = 0x80000000, 0x7FFF0000, 0x00050000  # SECCOMP_RET_*
LOAD, AND, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06  # BPF
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in seccomp_data
X32 = 0x40000000  # the bit of calls of another ABI of x86_64

READ_FILE, READ_DIR, WRITE_FILE, TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 14  # LANDLOCK_ACCESS_FS_*
CHANGE = WRITE_FILE | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | TRUNCATE
"""Writes, removes and makes files and folders; no devices, sockets, pipes and links."""

FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # by version of Landlock; later ones have 16
READ_ANYWHERE = 1 << 2  # CAP_DAC_READ_SEARCH, with which root reads files of other users
SYSTEM = (
    *("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo"),
    *("/etc/ld.so.cache", "/etc/localtime", "/dev/urandom", "/dev/zero"),
)
MAX_OPEN = 256
SHARED = 1 << 30
"""Bytes of address space above the limit of memory, for code and shared memory."""


@dataclass(frozen=True, slots=True)
class Locks:
    """The locks of this process, in addition to its resource limits.

    Attributes:
        calls: whether a filter of system calls (seccomp) forbids the network and other processes.
        files: whether Landlock forbids access to other files.
    """

    calls: bool
    files: bool


def limit(kind: int, most: int, *, for_good: bool = True) -> None:
    """Set a resource limit of this process, such as `RLIMIT_CPU`.

    Args:
        kind: the resource, a constant of the module `resource`.
        most: the limit in the resource's unit; the present hard limit applies if it is lower.
        for_good: whether to lower the hard limit too, so that the process cannot raise the limit.
    """
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most if for_good else hard))


def limit_all(*, memory: int, new_files: int) -> None:
    """Set all resource limits of this process except the limit of CPU time.

    The number of processes has no limit, because it would count all processes of this user. The
    filter of system calls forbids new processes.

    Args:
        memory: the largest memory in bytes.
        new_files: the largest size of a new file in bytes.
    """
    limit(resource.RLIMIT_DATA, memory)
    limit(resource.RLIMIT_FSIZE, new_files)
    limit(resource.RLIMIT_NOFILE, MAX_OPEN)
    limit(resource.RLIMIT_CORE, 0)
    if sys.platform == "linux":
        limit(resource.RLIMIT_AS, memory + SHARED)


def end_with(parent: int) -> None:
    """End this process when its parent ends, even if it has ended already.

    Args:
        parent: the process id of the parent.
    """
    if sys.platform == "linux":
        _prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


def lock(*, readable: Iterable[Path], writable: Path) -> Locks:
    """Lock this process permanently, and return which locks this kernel supports.

    Args:
        readable: files and folders that the process may read, in addition to those of Python.
        writable: the only folder in which the process may write.
    """
    if sys.platform != "linux":
        return Locks(calls=False, files=False)
    _prctl(38, 1)  # PR_SET_NO_NEW_PRIVS
    _drop_capabilities()
    files = _landlock([*python_files(), *readable], writable)
    return Locks(calls=_filter_calls(), files=files)


def python_files() -> list[Path]:
    """Return the folders and files that Python and its packages read while they run."""
    found = {Path(each) for each in (sys.prefix, sys.base_prefix, *sys.path, *SYSTEM) if each}
    return sorted(found - {Path("/")})


def _prctl(option: int, value: int, pointer: object = None) -> bool:
    values = [ctypes.c_ulong(value), pointer or ctypes.c_ulong(0), *[ctypes.c_ulong(0)] * 2]
    return bool(ctypes.CDLL(None, use_errno=True).prctl(option, *values) == 0)


def _call(number: int, *arguments: object) -> int:
    """Make a system call, and return its result; -1 is an error."""
    found: int = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments)
    return found


def _drop_capabilities() -> None:
    """Give up the rights of root, except to read what Landlock allows."""
    status = Path("/proc/self/status").read_text()
    permitted = int(next(line for line in status.splitlines() if line.startswith("CapPrm"))[7:], 16)
    kept = permitted & READ_ANYWHERE
    header = struct.pack("<Ii", 0x20080522, 0)
    number = {"x86_64": 126, "aarch64": 91}.get(platform.machine())
    if permitted and number:
        _call(number, header, struct.pack("<6I", kept, kept, *[0] * 4))


def _landlock(readable: Sequence[Path], writable: Path) -> bool:
    """Let this process open only these files, and no network; return whether the kernel can."""
    version = _call(444, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    if version < 1:
        return False
    rights = (1 << FILE_RIGHTS.get(version, 16)) - 1
    ruleset = struct.pack("<3Q", rights, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _call(444, ruleset[:size], ctypes.c_size_t(size), ctypes.c_uint(0))
    if rules < 0:
        return False
    for path, wanted in [
        *((each, READ_FILE | READ_DIR) for each in readable),
        (writable, READ_FILE | READ_DIR | CHANGE),
        (Path(os.devnull), READ_FILE | WRITE_FILE),
    ]:
        _allow(rules, path, wanted & rights)
    holds = _call(446, ctypes.c_int(rules), ctypes.c_uint(0)) == 0
    os.close(rules)
    return holds


def _allow(rules: int, path: Path, wanted: int) -> None:
    """Add a rule for a path; do nothing if there is no such file."""
    try:
        at = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not path.is_dir():
        wanted &= READ_FILE | WRITE_FILE | TRUNCATE
    _call(
        445, ctypes.c_int(rules), ctypes.c_int(1), struct.pack("<Qi", wanted, at), ctypes.c_uint(0)
    )
    os.close(at)


def _filter_calls() -> bool:
    """Filter the system calls of this process; return whether the kernel can."""
    machine = platform.machine()
    if machine not in MACHINES:
        return False
    code = filter_program(machine, os.getpid())
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    return _prctl(22, 2, ctypes.c_char_p(program))  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


def filter_program(machine: str, pid: int) -> bytes:
    """Return the filter of system calls, as a program of the Berkeley Packet Filter.

    Args:
        machine: `x86_64` or `aarch64`.
        pid: the process id of this process, which may send signals only to itself.
    """
    column, architecture = MACHINES[machine]
    refuse, allow = (RETURN, 0, 0, ERROR | errno.EPERM), (RETURN, 0, 0, ALLOW)
    code = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, X32),
        refuse,
    ]
    for table, code_of in ((REFUSED, errno.EPERM), (IGNORED, 0), (UNKNOWN, errno.ENOSYS)):
        for number in _numbers(table, column):
            code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ERROR | code_of)]
    only_own = [(EQUAL, 0, 1, pid), allow, refuse]
    by_argument = (
        ("clone 56 220", 0, [(ANY_BIT, 0, 1, CLONE_THREAD), allow, refuse]),
        ("kill 62 129", 0, only_own),
        ("tgkill 234 131", 0, only_own),
        ("prlimit64 302 261", 0, [(EQUAL, 1, 0, 0), *only_own]),
        (
            "socketpair 53 199",
            1,
            [(AND, 0, 0, SOCK_TYPES), (EQUAL, 0, 1, SOCK_STREAM), allow, refuse],
        ),
        (
            "ioctl 16 29",
            1,
            [*((EQUAL, 3 - at, 0, each) for at, each in enumerate(TERMINAL)), allow, refuse],
        ),
    )
    for table, argument, rest in by_argument:
        (number,) = _numbers(table, column)
        code += [(EQUAL, 0, len(rest) + 1, number), (LOAD, 0, 0, ARGUMENTS + 8 * argument), *rest]
    return b"".join(struct.pack("<HBBI", *each) for each in [*code, allow])


def _numbers(table: str, column: int) -> Iterator[int]:
    """Yield the numbers of the calls in a table; some machines lack a call."""
    words = table.split()
    for number in words[1 + column :: 3]:
        if number != "-":
            yield int(number)

"""The life of an upload: its states, and the legal moves between them.

    waiting ──▶ uploading ──▶ verifying ──▶ done
       ▲  ▲        │  ▲           │
       │  │        ▼  │           │
       │  └────── paused          │
       │             │            │
       │             ▼            ▼
       └────────── failed · cancelled          (retry)

An upload is `paused` by a person, or by what it has to wait for (`FOR_*`); in the second case it
goes on by itself.
"""

from uploader.transfer.errors import IllegalMove

__all__ = [
    "BY_PERSON",
    "CANCELLED",
    "DONE",
    "ENDED",
    "FAILED",
    "FOR_LOGIN",
    "FOR_NETWORK",
    "FOR_QUOTA",
    "FOR_SERVER",
    "FOR_STORAGE",
    "FOR_TAB",
    "PAUSED",
    "UPLOADING",
    "VERIFYING",
    "WAITING",
    "move",
]

WAITING = "waiting"
UPLOADING = "uploading"
PAUSED = "paused"
VERIFYING = "verifying"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"

ENDED = (DONE, FAILED, CANCELLED)

BY_PERSON = "by person"
FOR_NETWORK = "for network"
FOR_SERVER = "for server"
FOR_STORAGE = "for storage"  # its address leads nowhere, although there is a network
FOR_LOGIN = "for login"
FOR_QUOTA = "for quota"
FOR_TAB = "for tab"  # another page is sending the same file

MOVES = {
    WAITING: (UPLOADING, PAUSED, FAILED, CANCELLED),
    UPLOADING: (VERIFYING, PAUSED, FAILED, CANCELLED),
    PAUSED: (PAUSED, WAITING, UPLOADING, VERIFYING, FAILED, CANCELLED),
    VERIFYING: (DONE, UPLOADING, PAUSED, FAILED, CANCELLED),
    DONE: (),
    FAILED: (WAITING,),
    CANCELLED: (WAITING, DONE),  # it had arrived before the cancel did
}


def move(state: str, to: str) -> str:
    """Return `to` if `state` leads there.

    Raises:
        IllegalMove: it does not.
    """
    if to not in MOVES[state]:
        raise IllegalMove(f"an upload that is {state} cannot become {to}")
    return to

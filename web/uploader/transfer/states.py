"""The life of an upload: its states, and the legal moves between them.

waiting ──▶ uploading ──▶ verifying ──▶ done
   ▲  │         │             │
   │  └─────────┴─────────────┴──▶ failed · cancelled
   └───────────────────────────────────┘  (retry)
"""

from uploader.transfer.errors import IllegalMove

__all__ = ["CANCELLED", "DONE", "ENDED", "FAILED", "UPLOADING", "VERIFYING", "WAITING", "move"]

WAITING = "waiting"
UPLOADING = "uploading"
VERIFYING = "verifying"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"

ENDED = (DONE, FAILED, CANCELLED)

MOVES = {
    WAITING: (UPLOADING, FAILED, CANCELLED),
    UPLOADING: (VERIFYING, FAILED, CANCELLED),
    VERIFYING: (DONE, FAILED, CANCELLED),
    DONE: (),
    FAILED: (WAITING,),
    CANCELLED: (WAITING,),
}


def move(state: str, to: str) -> str:
    """Return `to` if `state` leads there.

    Raises:
        IllegalMove: it does not.
    """
    if to not in MOVES[state]:
        raise IllegalMove(f"an upload that is {state} cannot become {to}")
    return to

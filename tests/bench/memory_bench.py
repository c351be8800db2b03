"""The memory of the page while it sends 20 GB.

It is the page's JavaScript heap with array buffers, the interpreter's WASM memory, and the same for
the checksum worker, including garbage. It is measured every half second during the transfer.
"""

from collections.abc import Iterator

from bench.heap import WATCH_WASM, Heap
from bench.sending import MIB, OURS, open_place
from bench.table import Bench, Only, Row

SIZE = 20 * 1024 * MIB
MAX_MB = 40
NAME = "memory: most heap while sending 20 GB"


def _rows(_only: Only) -> Iterator[Row]:
    with open_place() as place, place.page(OURS, WATCH_WASM) as page:
        heap = Heap(page)
        page.choose(place.files(1, SIZE))
        most_mb = heap.most_mb_until_ended()
    yield Row(name=NAME, value=most_mb, unit="MB", reach=f"< {MAX_MB} MB")


BENCHES = (Bench(names=(NAME,), needs=("chromium",), rows=_rows),)

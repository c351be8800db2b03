"""Collects the garbage of a test without looking at the objects that existed before it.

A full collection takes a tenth of a second in a worker that has imported all test files, so several
minutes for all tests.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_depth = 0


@contextmanager
def collected() -> Iterator[None]:
    """Collect, at the end of the block, what the block has made and nothing refers to.

    Blocks can be nested.
    """
    global _depth
    gc.freeze()
    _depth += 1
    try:
        yield
    finally:
        gc.collect()
        _depth -= 1
        if not _depth:
            gc.unfreeze()

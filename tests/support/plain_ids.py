"""A pytest plugin for mutation tests: ids of parameters that are the same in every run.

mutmut calls pytest several times in one process. pytest escapes ids from `ids=` again in each run,
so an id with a backslash or a letter outside ASCII changes, and pytest does not find the test any
more. The mutation tests therefore turn the escaping off, and this plugin makes ASCII ids.
"""

__all__ = ["pytest_make_parametrize_id"]


def pytest_make_parametrize_id(val: object) -> str | None:
    """Return the id of a text or of bytes; None for other values, whose ids pytest makes."""
    if isinstance(val, str):
        return ascii(val)[1:-1]
    if isinstance(val, bytes):
        return repr(val)[2:-1]
    return None

"""Which test files begin first: the longest, so that all workers are busy until the end.

`make test` hands whole files to workers, in this order. A file that is not named here takes less
time; to find the longest, run pytest with `--durations=0`.
"""

from pathlib import Path

__all__ = ["LONGEST_FIRST", "place"]

TESTS = Path(__file__).parents[1]

LONGEST_FIRST = (
    "contract/mock_oss/test_bad_input.py",
    "contract/server/test_demo_command.py",
    "contract/mock_oss/test_multipart_model.py",
    "contract/server/test_wire.py",
    "contract/server/test_openapi_fuzz.py",
    "contract/mock_oss/test_sdk_tours.py",
    "contract/mock_oss/test_read_back.py",
    "contract/server/test_workers.py",
    "contract/server/test_docs_production.py",
    "contract/server/test_kill_switch.py",
    "attacks/test_soundness.py",
    "unit/test_config.py",
)

_PLACES = {TESTS / name: at for at, name in enumerate(LONGEST_FIRST)}


def place(path: Path) -> int:
    """Return where a file stands in the order."""
    return _PLACES.get(path, len(_PLACES))

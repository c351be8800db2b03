"""The order of test files: the longest first, so that all workers are busy until the end.

`make test` assigns whole files to workers in this order. Files that are not listed here take less
time. To find the longest files, run pytest with `--junit-xml` and add up the times.
"""

from pathlib import Path

__all__ = ["LONGEST_FIRST", "place"]

TESTS = Path(__file__).parents[1]

LONGEST_FIRST = (
    "browser/test_portable.py",
    "e2e/test_faults.py",
    "e2e/test_hosts.py",
    "browser/test_checksum_worker.py",
    "e2e/test_page.py",
    "e2e/test_multipart.py",
    "e2e/test_upload.py",
    "e2e/test_conditions.py",
    "e2e/test_wire.py",
    "e2e/test_refused.py",
    "e2e/test_places.py",
    "e2e/test_resume.py",
    "e2e/test_permission.py",
    "e2e/test_form.py",
    "e2e/test_engines.py",
    "e2e/test_waiting.py",
    "e2e/test_done.py",
    "e2e/test_elsewhere.py",
    "e2e/test_secrets.py",
    "browser/test_repeats.py",
    "e2e/test_uploader_api.py",
    "contract/server/test_workers.py",
    "contract/server/test_nginx_servers.py",
    "contract/server/test_docs_production.py",
    "contract/server/test_wheels.py",
    "contract/server/test_doctor.py",
    "contract/server/test_demo_command.py",
    "contract/server/test_setup.py",
    "contract/server/test_oss_sdks.py",
    "contract/server/test_openapi_fuzz.py",
    "contract/server/after/test_unfinished.py",
    "contract/server/test_ledger.py",
    "contract/mock_oss/test_sdk_tours.py",
    "contract/mock_oss/test_multipart_model.py",
    "contract/mock_oss/test_bad_input.py",
    "contract/server/after/test_recorded.py",
    "contract/server/test_oidc.py",
    "contract/server/test_daily_commands.py",
    "contract/server/test_serve_command.py",
    "attacks/test_soundness.py",
    "contract/mock_oss/test_read_back.py",
    "unit/test_config.py",
    "contract/server/test_embedding.py",
    "contract/server/test_ledger_lists.py",
    "unit/test_workers.py",
    "contract/server/test_wire.py",
    "contract/server/test_credential_chain.py",
)

_PLACES = {TESTS / name: at for at, name in enumerate(LONGEST_FIRST)}


def place(path: Path) -> int:
    """Return the position of a file in the order."""
    return _PLACES.get(path, len(_PLACES))

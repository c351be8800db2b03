"""Mutation tests: changes the code in small ways, and reports the changes that no test notices.

`make mutants` runs this program, which takes two to three hours; with `ONLY=ossferry.limits`, it
runs one area. mutmut makes the changes ("mutants") and chooses for each one the tests that call the
changed function. It needs another layout than the checkout, so it works on a copy in
`build/mutation`. A second run tests only functions that have changed since, and mutants that
survived; it does not see tests that were removed. If the list of tests in `AREAS` has changed, it
tests all mutants again. Delete the copy before you publish figures.

mutmut changes the bodies of functions. It changes no constant of a module, and no function with a
decorator other than `staticmethod` and `classmethod`.

A mutant that survives must be listed in `survivors.toml` with the reason. The program ends with
status 1 if a function has more or fewer survivors than listed, or if less than 90 % are killed.
"""

import json
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("survivors.toml")
WORK = ROOT / "build/mutation"
PACKAGES = ("server/ossferry", "server/mock_oss", "web/ossferry_uploader", "web/upload_page")
NEEDED = (
    "Makefile",
    "README.md",
    "build/web",
    "deploy",
    "docs",
    "playwright.config.toml",
    "requirements.lock",
    "server",
    "web",
)
"""Files and folders that tests read."""
GOAL = 0.9
"""Share of mutants that the tests must notice."""
RECORDS = "mutants/src/**/*.meta"  # one JSON document per module
KILLED = (1, -9, -24, 24, 36, 152, 255)
"""Exit codes that mutmut records if a test fails or does not end."""
SURVIVED = (0, 5, 33, 34)
"""Exit codes that mutmut records if all tests pass, or if there is no test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Modules to mutate, and the tests that must notice it.

    Attributes:
        modules: patterns of paths below `src`, where the copies of all packages are.
        tests: paths of tests.
        without: tests that cannot run in the copy, because they read the checkout or need packages
            of Node; also slow tests of other modules.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    without: tuple[str, ...] = ()


AREAS = {
    "ossferry_uploader": Area(
        modules=(
            "ossferry_uploader/oss/*",
            "ossferry_uploader/transfer/plan.py",
            "ossferry_uploader/transfer/pacing/retry.py",
            "ossferry_uploader/transfer/journal/checkpoint.py",
        ),
        tests=("tests/unit/web/oss", "tests/unit/web/transfer", "tests/unit/model/test_plan.py"),
    ),
    "ossferry.authentication": Area(
        modules=("ossferry/authentication/*",),
        tests=(
            "tests/unit/server",
            "tests/attacks",
            "tests/contract/server/test_oidc.py",
            "tests/contract/server/test_kill_switch.py",
        ),
        without=(
            "tests/unit/server/test_cli.py",
            "tests/unit/server/test_hatch_build.py",
            "tests/unit/server/test_operations.py",
            "tests/unit/server/test_scale_page.py",
            "tests/unit/server/test_unfinished.py",
        ),
    ),
    "ossferry.access": Area(
        modules=("ossferry/access/*",),
        tests=(
            "tests/unit/server/test_admin_page.py",
            "tests/unit/server/test_api.py",
            "tests/unit/server/test_audit_file.py",
            "tests/unit/server/test_bodies.py",
            "tests/unit/server/test_forms.py",
            "tests/unit/server/test_grants.py",
            "tests/unit/server/test_rates.py",
            "tests/unit/server/test_redaction.py",
            "tests/unit/server/test_request_guards.py",
            "tests/unit/server/test_revoked.py",
            "tests/unit/server/test_same_site.py",
            "tests/unit/server/test_several_methods.py",
            "tests/unit/server/test_shares.py",
            "tests/attacks",
            "tests/contract/server/test_oidc.py::test_t18_every_page_that_is_used_prolongs_a_session",
        ),
        without=("tests/attacks/test_rows.py", "tests/attacks/test_soundness.py"),
    ),
    "ossferry.limits": Area(
        modules=(
            "ossferry/oss/policy.py",
            "ossferry/state/counter.py",
            "ossferry/uploads/quotas.py",
        ),
        tests=(
            "tests/unit/server/test_api.py",
            "tests/unit/server/test_forms.py",
            "tests/unit/server/test_grants.py",
            "tests/unit/server/test_policy.py",
            "tests/unit/server/test_refused.py",
            "tests/unit/server/test_quotas.py",
            "tests/unit/server/test_rates.py",
            "tests/unit/server/test_revoked.py",
            "tests/unit/server/test_trash.py",
            "tests/contract/server/test_ledger_away.py",
            "tests/contract/server/test_redis.py",
            "tests/contract/server/after/test_quotas.py",
        ),
    ),
    "mock_oss": Area(
        modules=(
            "mock_oss/access/*",
            "mock_oss/identities.py",
            "mock_oss/policies/*",
            "mock_oss/signing/*",
        ),
        tests=("tests/unit/mock_oss", "tests/contract/mock_oss"),
        without=(
            "tests/contract/mock_oss/test_custom_domains.py::test_ali_oss_works_at_a_custom_domain",
            "tests/contract/mock_oss/test_docs.py",
            "tests/contract/mock_oss/test_sdk_tours.py",
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Results of one area.

    Attributes:
        mutants: names of all mutants.
        survivors: names of the mutants that no test noticed.
    """

    mutants: tuple[str, ...]
    survivors: tuple[str, ...]

    @property
    def killed(self) -> float:
        """The share of mutants that a test noticed."""
        return 1 - len(self.survivors) / len(self.mutants)


def settings_of(area: Area) -> str:
    r"""Return the `pyproject.toml` of the copy: settings of mutmut and pytest.

    mutmut runs pytest several times in one process. In every run, pytest escapes the ids that the
    argument `ids` of a test has given. A test with a `\\` or a letter outside ASCII in such an
    id would have another id in the second run, pytest would not find the test, and mutmut would
    count the mutant as killed. Therefore pytest does not escape ids here.
    """
    deselected = [f"--deselect={test}" for test in area.without]
    values = json.dumps  # a list of strings has the same form in TOML
    return f"""[tool.mutmut]
source_paths = ["src"]
only_mutate = {values([f"src/{pattern}" for pattern in area.modules])}
also_copy = {values(list(NEEDED))}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {values([*area.tests, *deselected])}
use_git_change_detection = false

[tool.pytest.ini_options]
addopts = "--import-mode=importlib -m 'not slow' -p support.mutation_plugin"
pythonpath = ["src", "web", "tests"]
xfail_strict = true
filterwarnings = ["error"]
timeout = 60
timeout_method = "thread"
markers = ["browser", "core", "e2e", "own_page", "page_stays", "pyodide", "slow"]
disable_test_id_escaping_and_forfeit_all_rights_to_community_support = true
"""


def copy(area: Area, folder: Path) -> None:
    """Copy the packages, the tests and what the tests read.

    The records of mutmut in `mutants` stay, but survivors are tested again: there may be new tests.
    """
    for old in ("src", "tests", "mutants/tests"):
        shutil.rmtree(folder / old, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / "src" / Path(package).name, ignore=ignored)
    for needed in ("tests", *NEEDED):
        source = ROOT / needed
        if source.is_dir():
            shutil.copytree(source, folder / needed, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy2(source, folder / needed)
    (folder / "pyproject.toml").write_text(settings_of(area), "utf-8")
    for path in folder.glob(RECORDS):
        record = json.loads(path.read_text("utf-8"))
        codes = record["exit_code_by_key"]
        record["exit_code_by_key"] = {
            name: None if code in SURVIVED else code for name, code in codes.items()
        }
        path.write_text(json.dumps(record), "utf-8")


def read_outcome(folder: Path) -> Outcome:
    """Read the records of mutmut.

    Raises:
        ValueError: a mutant has not been tested, or its tests were interrupted.
    """
    codes: dict[str, int | None] = {}
    for path in folder.glob(RECORDS):
        codes |= json.loads(path.read_text("utf-8"))["exit_code_by_key"]
    for name, code in codes.items():
        if code not in KILLED + SURVIVED:
            raise ValueError(f"{name} was not tested: {code}")
    survivors = sorted(name for name, code in codes.items() if code in SURVIVED)
    return Outcome(mutants=tuple(codes), survivors=tuple(survivors))


def function_of(mutant: str) -> str:
    """Return the qualified name of the function that a mutant changes.

    >>> function_of("ossferry_uploader.oss.keys.x_safe_path__mutmut_3")
    'ossferry_uploader.oss.keys.safe_path'
    >>> function_of("ossferry_uploader.oss.crc64.xǁShifterǁcombine__mutmut_6")
    'ossferry_uploader.oss.crc64.Shifter.combine'
    """
    module, _, name = mutant.rpartition("__mutmut_")[0].rpartition(".")
    return f"{module}.{name.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"


def listed_survivors() -> Mapping[str, int]:
    """Return how many survivors `survivors.toml` explains, by function."""
    return {name: each["count"] for name, each in tomllib.loads(SURVIVORS.read_text()).items()}


def differences(outcome: Outcome, listed: Mapping[str, int]) -> Mapping[str, int]:
    """Return how many survivors the list lacks, by function; less than 0 if it has too many."""
    found = Counter(map(function_of, outcome.survivors))
    names = sorted(set(map(function_of, outcome.mutants)))
    return {
        name: found[name] - listed.get(name, 0)
        for name in names
        if found[name] != listed.get(name, 0)
    }


def run(name: str, area: Area) -> Outcome:
    """Run the tests of one area on all its mutants, and write the survivors as diffs."""
    folder = WORK / name
    copy(area, folder)
    program = Path(sys.executable).with_name("mutmut")
    log = folder / "mutmut.log"
    with log.open("wb") as out:
        done = subprocess.run([program, "run"], cwd=folder, stdout=out, stderr=out)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"mutmut failed: see {log}")
    outcome = read_outcome(folder)
    diffs = [
        subprocess.run(  # noqa: S603
            [program, "show", mutant], cwd=folder, capture_output=True, text=True, check=True
        ).stdout
        for mutant in outcome.survivors
    ]
    (folder / "survivors.diff").write_text("\n".join(diffs), "utf-8")
    return outcome


def main(words: list[str]) -> int:
    """Run the areas that `words` name, or all; return the exit status."""
    failed = False
    listed = listed_survivors()
    for name, area in AREAS.items():
        if words and not any(fnmatch(name, word) for word in words):
            continue
        outcome = run(name, area)
        wrong = differences(outcome, listed)
        failed |= bool(wrong) or outcome.killed < GOAL
        print(  # noqa: T201
            f"{name}: {len(outcome.mutants)} mutants, {outcome.killed:.1%} killed,"
            f" {len(outcome.survivors)} survivors"
        )
        for function, count in wrong.items():
            print(f"  survivors.toml: {function}: {count:+}")  # noqa: T201
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`ossferry checks bundle`: pip downloads wheels for the browser, and a lock fixes them."""

import hashlib
import importlib.util
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ossferry.checks.bundle import PLATFORM, PYTHON, read_bundle
from ossferry.checks.bundling import _read_wheel
from ossferry.cli.main import commands, main
from ossferry.errors import SettingsError
from ossferry.settings.loading import load_check_settings

ROOT = Path(__file__).parents[3]
BROWSER = f"cp314-cp314-{PLATFORM}"
NONE: Sequence[str] = ()


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Sequence[str] = NONE,
    tag: str = "py3-none-any",
    extras: Sequence[str] = NONE,
    files: Sequence[str] = NONE,
) -> Path:
    """Write a tiny wheel to a folder, and return its path."""
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Provides-Extra: {each}" for each in extras]
    metadata += [f"Requires-Dist: {each}" for each in requires]
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    content = dict.fromkeys(files or (f"{module}/__init__.py",), "")
    content[f"{info}/METADATA"] = "\n".join(metadata) + "\n\nA text: with a colon\n"
    content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in content)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for at, text in content.items():
            archive.writestr(zipfile.ZipInfo(at), text)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_CONSTRAINT", raising=False)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "wheels"


Bundle = Callable[..., Result]


@pytest.fixture
def bundle(index: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Run the command for some packages."""
    (tmp_path / "checks.py").write_text("from ossferry_checks import check\nimport fancy\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSSFERRY_CHECKS", "checks.py")
    monkeypatch.setenv("OSSFERRY_CHECKS_DIR", str(folder))

    def run(*options: str, packages: Sequence[str] = ("fancy",)) -> Result:
        monkeypatch.setenv("OSSFERRY_CHECKS_PACKAGES", json.dumps(packages))
        return CliRunner().invoke(commands, ["checks", "bundle", *options])

    return run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def failure(result: Result) -> str:
    assert isinstance(result.exception, SettingsError), result.output
    return str(result.exception)


def test_the_wheels_for_the_browser_are_chosen_with_their_dependencies(
    bundle: Bundle, index: Path, folder: Path
) -> None:
    make_wheel(index, "fancy", "1.0", requires=["fast-core>=2"])
    make_wheel(index, "fancy", "2.0", tag="cp314-cp314-manylinux_2_17_x86_64")
    core = make_wheel(
        index, "fast-core", "2.1", tag=BROWSER, files=["fast_core.cpython-314-wasm32.so", "more.py"]
    )
    make_wheel(index, "fast-core", "2.1", tag="cp311-cp311-manylinux_2_17_x86_64")
    make_wheel(index, "fast-core", "3.0", tag="cp313-cp313-pyodide_2025_0_wasm32")

    result = bundle("--json")

    assert result.exit_code == 0, result.output
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"name": "fancy", "version": "1.0", "file": "fancy-1.0-py3-none-any.whl"},
        {"name": "fast-core", "version": "2.1", "file": core.name},
    ]
    assert "2 wheels in" in result.stderr
    assert names(folder) == {"fancy-1.0-py3-none-any.whl", core.name, "checks.lock", "bundle.json"}
    lock = (folder / "checks.lock").read_text()
    assert f"fast-core==2.1 --hash=sha256:{digest(core)}" in lock
    read = read_bundle(load_check_settings())
    assert read is not None
    assert [(each.name, each.imports) for each in read.packages] == [
        ("fancy", ("fancy",)),
        ("fast-core", ("fast_core", "more")),
    ]


def test_conditions_of_dependencies_hold_for_the_browser(
    bundle: Bundle, index: Path, folder: Path
) -> None:
    make_wheel(
        index,
        "fancy",
        "1.0",
        extras=["all", "unwanted"],
        requires=[
            "here-only; sys_platform != 'emscripten'",
            "browser-only; sys_platform == 'emscripten'",
            f"new-python; python_version >= '{PYTHON}'",
            "old-python; python_version < '3.14'",
            "for-all; extra == 'all'",
            "for-unwanted; extra == 'unwanted'",
        ],
    )
    make_wheel(index, "browser-only", "1", requires=["deeper; platform_machine == 'wasm32'"])
    for name in ("here-only", "new-python", "old-python", "for-all", "for-unwanted", "deeper"):
        make_wheel(index, name, "1")

    result = bundle(packages=["fancy[all]"])

    assert result.exit_code == 0, result.output
    read = read_bundle(load_check_settings())
    assert read is not None
    found = [each.name for each in read.packages]
    assert found == ["browser-only", "deeper", "fancy", "for-all", "new-python"]


def test_a_second_run_uses_exactly_the_files_of_the_lock(
    bundle: Bundle, index: Path, folder: Path
) -> None:
    first = make_wheel(index, "fancy", "1.0")
    bundle()
    lock = (folder / "checks.lock").read_text()
    make_wheel(index, "fancy", "1.1")
    (folder / "stray-1-py3-none-any.whl").write_bytes(b"from elsewhere")

    unchanged = bundle()
    (folder / first.name).write_bytes(b"damaged")
    repaired = bundle()

    assert (unchanged.exit_code, repaired.exit_code) == (0, 0)
    assert (folder / "checks.lock").read_text() == lock
    assert digest(folder / first.name) == digest(first)
    assert names(folder) == {first.name, "checks.lock", "bundle.json"}

    assert bundle("--update").exit_code == 0
    assert "fancy==1.1" in (folder / "checks.lock").read_text()
    assert names(folder) == {"fancy-1.1-py3-none-any.whl", "checks.lock", "bundle.json"}


def test_the_lock_alone_is_enough_for_a_new_folder(
    bundle: Bundle, index: Path, folder: Path, tmp_path: Path
) -> None:
    make_wheel(index, "fancy", "1.0")
    bundle()
    make_wheel(index, "fancy", "1.1")
    other = tmp_path / "other"
    other.mkdir()
    (other / "checks.lock").write_bytes((folder / "checks.lock").read_bytes())

    assert bundle("--dir", str(other)).exit_code == 0
    assert names(other) == names(folder)


def test_other_files_than_those_of_the_lock_are_refused(
    bundle: Bundle, index: Path, folder: Path
) -> None:
    make_wheel(index, "fancy", "1.0")
    bundle()
    make_wheel(index, "fancy", "1.0", files=["evil.py"])
    (folder / "fancy-1.0-py3-none-any.whl").unlink()

    assert failure(bundle()) == (
        "the package index has other files than checks.lock; `ossferry checks bundle --update`"
        " makes a new lock."
    )


def test_a_lock_for_other_packages_is_not_used(bundle: Bundle, index: Path, folder: Path) -> None:
    make_wheel(index, "fancy", "1.0")
    make_wheel(index, "other", "1.0")
    bundle()
    before = names(folder)

    assert "is for other packages than OSSFERRY_CHECKS_PACKAGES" in failure(
        bundle(packages=["other"])
    )
    assert names(folder) == before


def test_a_lock_that_lacks_a_package_is_named(bundle: Bundle, index: Path, folder: Path) -> None:
    make_wheel(index, "fancy", "1.0", requires=["other"])
    make_wheel(index, "other", "1.0")
    bundle()
    lock = folder / "checks.lock"
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join(line for line in lines if not line.startswith("other")))

    assert "checks.lock lacks other; `ossferry checks bundle --update`" in failure(bundle())


@pytest.mark.parametrize(
    ("wheels", "sentence"),
    [
        (
            [("fancy", "1.0", "cp314-cp314-manylinux_2_17_x86_64", NONE)],
            f"no wheel of fancy runs in the browser: .* pure Python .* built for {PLATFORM}",
        ),
        (
            [("fancy", "1.0", "py3-none-any", ["slow-core"])],
            "no wheel of slow-core runs in the browser",
        ),
        (
            [
                ("fancy", "1.0", "py3-none-any", ["a", "b"]),
                ("a", "1", "py3-none-any", ["c==1"]),
                ("b", "1", "py3-none-any", ["c==2"]),
                ("c", "1", "py3-none-any", NONE),
                ("c", "2", "py3-none-any", NONE),
            ],
            r"the packages contradict each other: .*a 1 depends on c==1.*b 1 depends on c==2",
        ),
    ],
    ids=["no wheel", "no wheel of a dependency", "contradiction"],
)
def test_what_cannot_be_resolved_is_explained(
    bundle: Bundle,
    index: Path,
    folder: Path,
    wheels: list[tuple[str, str, str, Sequence[str]]],
    sentence: str,
) -> None:
    for name, version, tag, requires in wheels:
        make_wheel(index, name, version, tag=tag, requires=requires)

    result = bundle()

    with pytest.raises(SettingsError, match=sentence):
        raise SettingsError(failure(result))
    assert names(folder) == set()


def test_t57_a_wheel_that_could_replace_other_modules_is_refused(
    bundle: Bundle, index: Path, folder: Path
) -> None:
    modules = ["fancy.py", "mimetypes.py", "json/__init__.py", "cgi.py", "mimetypes/data.txt"]
    modules += ["js.py", "_pyodide/__init__.py", "ossferry_checks/more.py", "sitecustomize.pyc"]
    wheel = make_wheel(index, "fancy", "1.0", files=modules)

    assert failure(bundle()) == (
        f"{wheel.name} has modules with names of Python's library or of the page's worker:"
        " _pyodide, js, json, mimetypes, ossferry_checks, sitecustomize; choose another package."
    )
    assert names(folder) == set()


@pytest.mark.parametrize("path", ["../../lib/fancy.py", "/lib/fancy.py", "./json.py", "a//b.py"])
def test_t57_a_wheel_with_a_wrong_path_is_refused(tmp_path: Path, path: str) -> None:
    wheel = make_wheel(tmp_path, "fancy", "1.0", files=["fancy.py", "fancy/", path])

    with pytest.raises(SettingsError, match=re.escape(f"{wheel.name} has a wrong path: {path};")):
        _read_wheel(wheel)


def test_an_index_that_does_not_answer_is_named(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")

    assert failure(bundle()).startswith("the package index does not answer; check the network")


def test_a_missing_pip_is_named(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    assert "needs pip; run `python -m ensurepip`" in failure(bundle())


def test_a_folder_that_cannot_be_written_is_named(
    bundle: Bundle,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder.write_text("a file")
    monkeypatch.setenv("OSSFERRY_CHECKS_PACKAGES", '["fancy"]')
    monkeypatch.setattr("sys.argv", ["ossferry", "checks", "bundle"])

    with pytest.raises(SystemExit, match="1"):
        main()

    assert f"{folder} cannot be read or written (File exists)" in capsys.readouterr().err


def test_without_packages_there_is_nothing_to_do(bundle: Bundle, folder: Path) -> None:
    result = bundle(packages=[])

    assert (result.exit_code, result.stdout) == (0, "")
    assert "OSSFERRY_CHECKS_PACKAGES names no packages" in result.stderr
    assert not folder.exists()


def test_the_folder_must_be_known(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSSFERRY_CHECKS_DIR")

    assert failure(bundle()) == "OSSFERRY_CHECKS_DIR is missing; set it, or use --dir."


def test_the_wheels_are_for_the_pyodide_of_the_page() -> None:
    lock = json.loads((ROOT / "web/node_modules/pyodide/pyodide-lock.json").read_text())["info"]

    assert f"pyemscripten_{lock['abi_version']}_{lock['arch']}" == PLATFORM
    assert lock["python"].startswith(f"{PYTHON}.")

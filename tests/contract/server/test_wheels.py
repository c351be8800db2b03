"""The two wheels: what they contain, and the server that runs from them in an empty environment."""

import email
import email.policy
import json
import re
import subprocess
import sys
import zipfile
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from support.programs import free_port
from support.serve_command import cloud_options, server_process, wait_until_up

pytestmark = pytest.mark.xdist_group("wheels")

ROOT = Path(__file__).parents[3]
FOLDERS = {"ossferry": ROOT, "ossferry_pyodide": ROOT / "wheels" / "pyodide"}
HOW = "pip install 'ossferry[pyodide]'"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both wheels, made from the page in `build/web`."""
    out = tmp_path_factory.mktemp("dist")
    run(ROOT, sys.executable, "web/sbom.py")
    for folder in FOLDERS.values():
        run(folder, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out)
    return out


def run(folder: Path, *command: str | Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wheel(dist: Path, name: str) -> Path:
    (path,) = dist.glob(f"{name}-*.whl")
    return path


def read(path: Path, pattern: str) -> dict[str, str]:
    """Return the text files of a wheel's `dist-info` that a pattern matches, as `{name: text}`."""
    with zipfile.ZipFile(path) as archive:
        parts = [name.partition(".dist-info/") for name in archive.namelist()]
        return {
            name: archive.read(f"{folder}{ending}{name}").decode()
            for folder, ending, name in parts
            if re.fullmatch(pattern, name)
        }


def metadata(path: Path) -> EmailMessage:
    (text,) = read(path, "METADATA").values()
    message = email.message_from_string(text, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_has_every_licence_text(dist: Path, name: str) -> None:
    folder = FOLDERS[name]
    texts = [folder / "LICENSE", folder / "NOTICE", *(folder / "licenses").rglob("*.txt")]
    expected = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in texts}
    found = read(wheel(dist, name), "licenses/.+")

    assert {key.removeprefix("licenses/"): text for key, text in found.items()} == expected
    assert set(metadata(wheel(dist, name)).get_all("License-File", ())) == expected.keys()


@pytest.mark.parametrize("name", FOLDERS)
def test_a_wheel_has_a_valid_sbom(dist: Path, name: str) -> None:
    ((path, text),) = read(wheel(dist, name), "sboms/.+").items()

    assert path == f"sboms/{name.replace('_', '-')}.cdx.json"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


@pytest.mark.parametrize("name", FOLDERS)
def test_the_description_has_no_relative_link(dist: Path, name: str) -> None:
    about = metadata(wheel(dist, name))
    prose = re.sub(r"```.+?```", "", str(about.get_payload()), flags=re.DOTALL)
    targets = re.findall(
        r"\]\(([^)]*)\)|(?:src|href)=[\"']([^\"']*)|^\[.+?\]:\s*(\S+)", prose, re.M
    )

    assert about["description-content-type"] == "text/markdown"
    assert targets
    assert [each for each in targets if not "".join(each).startswith(("https://", "http://"))] == []
    pictures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", prose)
    assert [each for each in pictures if "/blob/" in each] == []  # GitHub's page about the picture


def test_pyodides_files_are_only_in_their_wheel(dist: Path) -> None:
    with zipfile.ZipFile(wheel(dist, "ossferry")) as archive:
        main = archive.namelist()
        manifest = json.loads(archive.read("ossferry/web/manifest.json"))
    with zipfile.ZipFile(wheel(dist, "ossferry_pyodide")) as archive:
        other = archive.namelist()
    at = manifest["separate"]["pyodide"]

    files = {url for url in manifest["files"] if url.startswith(f"{at}/")}
    assert len(files) == 5
    assert files <= {name.removeprefix("ossferry_pyodide") for name in other}
    assert [name for name in main if "assets/pyodide" in name] == []
    assert wheel(dist, "ossferry").stat().st_size < 3_000_000


def environment(folder: Path, dist: Path) -> Path:
    """Install the wheel `ossferry` into an empty environment; return the folder of its programs.

    The packages that it needs get the versions of the lock.
    """
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    found = re.findall(r"^([\w.-]+)(?:\[.*\])?(==[^\\\n]+)", lock, re.MULTILINE)
    pins = folder / "pins.txt"
    pins.write_text("\n".join(name + version for name, version in found))
    run(folder, sys.executable, "-m", "venv", "fresh")
    programs = folder / "fresh" / "bin"
    pip = (programs / "python", "-m", "pip", "install", "--disable-pip-version-check")
    run(folder, *pip, "--constraint", pins, wheel(dist, "ossferry"))
    return programs


def assets_of_the_page(url: str) -> dict[str, int]:
    """Return the status of each asset that the page of a server names."""
    with httpx.Client(base_url=url, trust_env=False, follow_redirects=True) as client:
        page = client.get("/")
        assert page.status_code == 200, page.text
        names = set(re.findall(r"/assets/[\w.@-]+/[\w.@-]+", page.text))
        return {name: client.get(name).status_code for name in names}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheels_serve_the_page_in_an_empty_environment(tmp_path: Path, dist: Path) -> None:
    programs = environment(tmp_path, dist)
    command = programs / "ossferry"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    options = {**cloud_options(tmp_path), "OSSFERRY_PORT": str(port)}
    chosen = {**options, "OSSFERRY_RUNTIME": "pyodide"}
    (tmp_path / "keys.json").write_text('{"version": 1, "keys": []}')

    with server_process(tmp_path, options, command=command) as server:
        wait_until_up(url, server)
        plain = assets_of_the_page(url)
    with server_process(tmp_path, chosen, command=command) as refused:
        said, complaint = refused.communicate(timeout=60)
    pip = (programs / "python", "-m", "pip", "install", "--no-index", "--find-links", dist)
    run(tmp_path, *pip, "ossferry[pyodide]")
    with server_process(tmp_path, chosen, command=command) as server:
        wait_until_up(url, server)
        full = assets_of_the_page(url)

    assert set(plain.values()) == set(full.values()) == {200}
    assert any("/micropython-" in name for name in plain)
    assert any(name.endswith("/pyodide.asm.wasm") for name in full)
    assert (refused.returncode, said) == (1, "")
    assert complaint.splitlines()[-1].startswith("ossferry: OSSFERRY_RUNTIME: ")
    assert HOW in complaint.splitlines()[-1]

"""The wheels: what they contain, and what runs from them in an empty environment."""

import email
import email.policy
import json
import os
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from support.programs import free_port
from support.serve_command import cloud_options, server_process, wait_until_up
from support.uploads import granted_bucket
from support.wheels import FOLDERS, build_wheels

ROOT = Path(__file__).parents[3]
UV = Path(sys.executable).with_name("uv")
OURS = {name.replace("_", "-") for name in FOLDERS}
PRODUCTION = (ROOT / "docs/production.md").read_text("utf-8")
FIXTURE = """
def test_the_mock_runs(mock_oss):
    assert list(mock_oss.bucket("web-direct-upload").objects) == []
"""

IMPORT_ALL = """
import importlib, pkgutil, ossferry
names = [each.name for each in pkgutil.walk_packages(ossferry.__path__, "ossferry.")]
for name in sorted(set(names) - {"ossferry.ledger.migrations.env"}):  # only alembic can run it
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(f"{name}: {error.name}")
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all wheels, made from the page in `build/web`."""
    out = tmp_path_factory.mktemp("dist")
    build_wheels(out)
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
def test_a_wheel_has_its_sbom(dist: Path, name: str) -> None:
    assert list(read(wheel(dist, name), "sboms/.+")) == [f"sboms/{name.replace('_', '-')}.cdx.json"]


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


def files(dist: Path, name: str) -> list[str]:
    with zipfile.ZipFile(wheel(dist, name)) as archive:
        return archive.namelist()


def test_pyodides_files_are_only_in_their_wheel(dist: Path) -> None:
    with zipfile.ZipFile(wheel(dist, "ossferry")) as archive:
        manifest = json.loads(archive.read("ossferry/web/manifest.json"))
    folders = manifest["separate"]["pyodide"]

    pyodide = {url for url in manifest["files"] if url.rpartition("/")[0] in folders}
    assert len(pyodide) == 10
    others = {name.removeprefix("ossferry_pyodide") for name in files(dist, "ossferry_pyodide")}
    assert pyodide <= others
    assert [
        name for name in files(dist, "ossferry") if any(f"{folder}/" in name for folder in folders)
    ] == []
    assert wheel(dist, "ossferry").stat().st_size < 3_200_000


def test_the_mock_is_only_in_its_wheel(dist: Path) -> None:
    sources = {
        path.relative_to(ROOT / "server").as_posix()
        for path in (ROOT / "server" / "mock_oss").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert {each for each in files(dist, "mock_oss") if ".dist-info/" not in each} == sources
    assert [each for each in files(dist, "ossferry") if "mock_oss" in each] == []


def test_the_library_is_only_in_its_wheel(dist: Path) -> None:
    sources = {
        path.relative_to(ROOT / "web").as_posix()
        for path in (ROOT / "web" / "ossferry_uploader").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {each for each in files(dist, "ossferry_uploader") if ".dist-info/" not in each}

    assert inside == sources | {"ossferry_uploader/ossferry_uploader.js"}
    assert [each for each in files(dist, "ossferry") if "ossferry_uploader" in each] == []


def version_of(dist: Path, name: str = "ossferry") -> str:
    return str(metadata(wheel(dist, name))["version"])


def test_the_three_wheels_of_a_server_have_the_id_of_their_build(dist: Path) -> None:
    with_id = {version_of(dist, name) for name in ("ossferry", "ossferry_pyodide", "mock_oss")}

    (version,) = with_id
    assert re.fullmatch(r"0\.1\.0\+b[0-9a-f]{11}", version)
    assert version_of(dist, "ossferry_uploader") == "0.1.0"


def test_a_change_of_any_file_gives_the_build_another_id(tmp_path: Path) -> None:
    build_id = runpy.run_path(str(ROOT / "hatch_build.py"))["build_id"]
    files = ("pyproject.toml", "server/a.py", "wheels/a/b.toml", "build/web/c.js")
    ids = []
    for text in ("first", "other"):
        for name in files:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            ids.append(build_id(tmp_path / "build"))
        (tmp_path / "server/__pycache__").mkdir(exist_ok=True)
        (tmp_path / "server/__pycache__/a.pyc").write_text(text)

    assert len(set(ids)) == 2 * len(files)
    assert build_id(tmp_path / "build") == ids[-1]


def other_build(dist: Path, out: Path) -> str:
    """Write the wheel `ossferry` with another id into a folder; return its version."""
    old, new = version_of(dist), "0.1.0+b0123456789a"
    with (
        zipfile.ZipFile(wheel(dist, "ossferry")) as source,
        zipfile.ZipFile(out / f"ossferry-{new}-py3-none-any.whl", "w") as target,
    ):
        for name in source.namelist():
            content = source.read(name)
            if ".dist-info/" in name:
                content = content.replace(old.encode(), new.encode())
            target.writestr(name.replace(old, new), content)
    return new


def test_the_upgrade_of_the_page_installs_another_build_of_the_same_release(
    tmp_path: Path, dist: Path
) -> None:
    page = (ROOT / "docs/operating.md").read_text("utf-8")
    (upgrade,) = re.findall(r"^\$ /opt/ossferry/bin/(pip install .+)$", page, re.M)
    run(tmp_path, UV, "venv", "--quiet", "--python", sys.executable, "fresh")
    python = tmp_path / "fresh/bin/python"
    before = ("--no-deps", "--no-cache", wheel(dist, "ossferry"))
    install(python.parent, *before)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/constraints.txt").symlink_to(ROOT / "constraints.txt")
    new = other_build(dist, tmp_path / "dist")

    pip = f"{sys.executable} -m pip --python {python}"
    here = f"{pip} {upgrade.removeprefix('pip ')} --no-deps --no-index --quiet"
    run(tmp_path, "/bin/sh", "-c", here)

    show = "import importlib.metadata as m; print(m.version('ossferry'))"
    assert run(tmp_path, python, "-c", show) == f"{new}\n"


def environment(folder: Path, dist: Path, *wheels: str, and_also: Sequence[str] = ()) -> Path:
    """Install wheels into an empty environment; return the folder of its programs.

    See `add` for the arguments.
    """
    run(folder, UV, "venv", "--quiet", "--python", sys.executable, "fresh")
    programs = folder / "fresh" / "bin"
    add(programs, dist, *wheels, and_also=and_also)
    return programs


def add(programs: Path, dist: Path, *wheels: str, and_also: Sequence[str] = ()) -> None:
    """Install wheels into an environment.

    The packages that the wheels need get the versions of `constraints.txt`. They come from the
    cache of uv, and from the package index only if the cache lacks one. Our wheels do not get into
    the cache.

    Args:
        wheels: the wheels to install, such as `ossferry[demo]`.
        and_also: other packages to install.
    """
    names = OURS if any("[" in each for each in wheels) else set(wheels)
    needed = [
        each
        for name in names
        for each in metadata(wheel(dist, name.replace("-", "_"))).get_all("Requires-Dist", ())
        if "extra ==" not in each
    ]
    others = ("--constraint", ROOT / "constraints.txt", *needed, *and_also)
    if not install(programs, "--offline", *others, check=False):
        install(programs, *others)
    install(programs, "--no-cache", "--no-index", "--find-links", dist, *wheels)


def install(programs: Path, *arguments: str | Path, check: bool = True) -> bool:
    """Install packages into an environment; return whether it worked."""
    command = (UV, "pip", "install", "--quiet", "--python", programs / "python", *arguments)
    done = subprocess.run(command, cwd=programs, capture_output=True, text=True, check=False)  # noqa: S603
    assert not (check and done.returncode), done.stderr
    return done.returncode == 0


def installed(programs: Path) -> set[str]:
    """Return the names of the packages in an environment."""
    listed = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    return set(run(programs, programs / "python", "-c", listed).split())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, dist: Path) -> Path:
    """The programs of an environment with the wheel `ossferry` and what it needs."""
    return environment(tmp_path_factory.mktemp("plain"), dist, "ossferry")


def test_the_plain_wheel_serves_the_page(tmp_path: Path, dist: Path, plain: Path) -> None:
    port = free_port()
    options = {**cloud_options(tmp_path), "OSSFERRY_PORT": str(port)}
    (tmp_path / "keys.json").write_text('{"version": 1, "keys": []}')

    with server_process(tmp_path, options, command=plain / "ossferry") as server:
        wait_until_up(f"http://127.0.0.1:{port}", server)
        assets = assets_of_the_page(f"http://127.0.0.1:{port}")

    assert set(assets.values()) == {200}
    assert any("/micropython-" in name for name in assets)
    assert run(tmp_path, plain / "ossferry", "--version") == f"ossferry {version_of(dist)}\n"
    assert installed(plain) & OURS == {"ossferry"}


def test_only_two_modules_of_the_plain_wheel_need_an_extra(plain: Path) -> None:
    missing = run(plain, plain / "python", "-c", IMPORT_ALL)

    assert missing.splitlines() == [
        "ossferry.cli.demo: mock_oss",
        "ossferry.state.redis_storage: redis",
    ]


@pytest.fixture(scope="module")
def tried(plain: Path, dist: Path) -> Path:
    """The programs of the same environment, to which the mock and the files of Pyodide are added.

    Tests of `plain` alone stand before the first test with this fixture.
    """
    add(plain, dist, "ossferry[demo]")
    return plain


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the page counts for Python 3.11")
def test_the_page_about_production_counts_the_packages(
    plain: Path, request: pytest.FixtureRequest
) -> None:
    needed = installed(plain)
    tried: Path = request.getfixturevalue("tried")

    assert f"the server needs {len(needed) - 1} packages with " in PRODUCTION
    added = {"defusedxml", "mock-oss", "ossferry-pyodide", "python-multipart"}
    assert installed(tried) - needed == added
    assert "| the second and the third wheel, and 2 packages |" in PRODUCTION


INSTALLATIONS = [
    ("README.md", r"^\$ make wheel && (uvx .+ ossferry) demo$", "{} --version"),
    ("docs/tutorial.md", r"^\$ (uv tool install .+)$", "{} && bin/ossferry --version"),
    (
        "docs/tutorial.md",
        r"^\$ (pip install .+)$",
        "python3 -m venv own && . own/bin/activate && {} && ossferry --version",
    ),
]


@pytest.mark.parametrize(("document", "command", "_"), INSTALLATIONS)
def test_the_commands_for_a_clone_name_the_server_and_the_mock(
    dist: Path, document: str, command: str, _: str
) -> None:
    (line,) = re.findall(command, (ROOT / document).read_text("utf-8"), re.MULTILINE)
    patterns = re.findall(r"\bdist/([\w*-]+\.whl)", line)

    found = [[path.name.partition("-")[0] for path in dist.glob(each)] for each in patterns]
    assert [each for each in found if each != ["ossferry_pyodide"]] == [["mock_oss"], ["ossferry"]]


@pytest.mark.slow  # downloads all packages, so that our wheels do not get into the cache
@pytest.mark.parametrize(("document", "command", "is_installed"), INSTALLATIONS)
def test_the_wheels_of_a_clone_are_installed(
    tmp_path: Path, dist: Path, document: str, command: str, is_installed: str
) -> None:
    (line,) = re.findall(command, (ROOT / document).read_text("utf-8"), re.MULTILINE)
    (tmp_path / "dist").mkdir()
    for file in (*dist.glob("*.whl"), ROOT / "constraints.txt"):
        (tmp_path / "dist" / file.name).symlink_to(file)
    environment = {
        **os.environ,
        "PATH": f"{UV.parent}:{os.environ['PATH']}",
        "UV_CONSTRAINT": str(ROOT / "constraints.txt"),
        "UV_NO_CACHE": "1",
        "UV_PYTHON": sys.executable,
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_TOOL_DIR": str(tmp_path / "tools"),
    }

    done = subprocess.run(  # noqa: S603 - a line of our own documentation
        ["/bin/sh", "-c", is_installed.format(line)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    last_line = done.stdout.splitlines()[-1]
    assert re.fullmatch(r"ossferry \d+\.\d+\.\d+\+b\w+", last_line)


def test_the_demo_runs_without_a_checkout(tmp_path: Path, tried: Path) -> None:
    with demo(tmp_path, tried) as (url, about_checks):
        assets = assets_of_the_page(url)
        on_pyodide = assets_of_the_page(url, "/?runtime=pyodide")
        said, _, samples = about_checks.rpartition(": ")
        names = {path.name for path in Path(samples).iterdir()}
        grant = httpx.post(f"{url}/api/grant", trust_env=False).json()
        endpoint = f"http://127.0.0.1:{urlsplit(grant['endpoint']).port}"
        stored = granted_bucket(grant, endpoint).put_object(f"{grant['prefix']}x", b"hello")

    assert {*assets.values(), *on_pyodide.values()} == {200}
    assert any("/micropython-" in name for name in assets)
    assert any(name.endswith("/pyodide.asm.wasm") for name in on_pyodide)
    assert said == "files to try the checks"
    assert names >= {"README.txt", "contract.pdf", "harbour.jpg", "IMG_0417.heic"}
    assert stored.status == 200


def test_the_mock_runs_alone(tmp_path: Path, dist: Path) -> None:
    programs = environment(tmp_path, dist, "mock-oss", and_also=[f"pytest=={pytest.__version__}"])
    (tmp_path / "test_fixture.py").write_text(FIXTURE)

    tested = run(tmp_path, programs / "python", "-m", "pytest", "-q", "test_fixture.py")

    assert "1 passed" in tested
    assert "--data-dir" in run(tmp_path, programs / "mock-oss", "--help")
    assert installed(programs) & {*OURS, "oss2", "pydantic-settings"} == {"mock-oss"}


@contextmanager
def demo(folder: Path, programs: Path) -> Iterator[tuple[str, str]]:
    """Run the demo, without access to the internet by https.

    Yields:
        The address of its page, and the line about checks.
    """
    options = ("--port", "0", "--oss-port", "0", "--i-know-this-is-a-mock")
    with subprocess.Popen(  # noqa: S603 - our own wheel
        [programs / "ossferry", "demo", *options],
        cwd=folder,
        env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url, _, about_checks = (process.stdout.readline().strip() for _ in range(3))
            yield url.removeprefix("ossferry demo ready at "), about_checks
        finally:
            process.kill()


def assets_of_the_page(url: str, path: str = "/") -> dict[str, int]:
    """Return the status of each asset that the page of a server names."""
    with httpx.Client(base_url=url, trust_env=False, follow_redirects=True) as client:
        page = client.get(path)
        assert page.status_code == 200, page.text
        names = set(re.findall(r"/assets/[\w.@-]+/[\w.@-]+", page.text))
        return {name: client.get(name).status_code for name in names}

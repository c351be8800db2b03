"""The npm package: its files, and the types of the examples that use it."""

import json
import re
import tarfile
import tomllib
from pathlib import Path

import pytest

from support.npm_package import ROOT, pack, run, run_tool, site_folder

WRONG = {
    "react": ("main.tsx", "maxFiles={5}", 'maxFiles="five"'),
    "vue": ("Application.vue", ':max-files="3"', ":max-files=\"'three'\""),
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("npm"))


def test_the_package_has_these_files_and_no_others(archive: Path) -> None:
    with tarfile.open(archive) as files:
        names = {name.removeprefix("package/") for name in files.getnames()}
        package = json.load(files.extractfile("package/package.json"))  # type: ignore[arg-type]

    own = {each.name for each in (ROOT / "web/npm").iterdir()}
    assert names == own | {"embed.js", "LICENSE", "NOTICE"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (package["name"], package["version"]) == ("ossferry", project["version"])
    targets = [target for each in package["exports"].values() for target in each.values()]
    assert {each.removeprefix("./") for each in targets} <= names


def test_a_server_that_renders_pages_can_import_it(archive: Path, tmp_path: Path) -> None:
    copy = site_folder("react", archive, tmp_path)
    code = """
    import { createElement } from "react";
    import { renderToString } from "react-dom/server";
    import { OssFerry } from "ossferry/react";
    const properties = { server: "https://a", maxFiles: 3, required: true };
    console.log(renderToString(createElement(OssFerry, properties)));
    """

    shown = run(copy, "node", "--input-type=module", "-e", code)

    assert shown.strip() == '<oss-ferry server="https://a" required="" max-files="3"></oss-ferry>'


@pytest.mark.parametrize(
    ("name", "checker"),
    [
        pytest.param("react", "tsc", id="react"),
        # vue-tsc takes 8 seconds, and sees the same for the other framework.
        pytest.param("vue", "vue-tsc", id="vue", marks=pytest.mark.slow),
    ],
)
def test_the_types_accept_the_example_and_refuse_a_wrong_property(
    archive: Path, tmp_path: Path, name: str, checker: str
) -> None:
    copy = site_folder(name, archive, tmp_path)
    file, right, wrong = WRONG[name]
    text = (copy / file).read_text("utf-8")
    assert right in text
    (copy / f"Wrong{file}").write_text(text.replace(right, wrong))

    with pytest.raises(AssertionError) as refused:
        run_tool(copy, checker, "--pretty", "false")

    (error,) = re.findall(r"^\S.*", str(refused.value), re.MULTILINE)
    assert error.startswith(f"Wrong{file}")
    assert "is not assignable to type 'number" in error

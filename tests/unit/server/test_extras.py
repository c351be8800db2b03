"""An option that needs an optional package ends the start with a sentence that names the extra."""

import sys

import pytest

from ossferry.errors import SettingsError
from ossferry.extras import install_command, require_extra
from support.server_fakes import OBJECTS, MakeClient

POSTGRESQL = {**OBJECTS, "database_url": "postgresql://ossferry@127.0.0.1:9/ossferry"}


@pytest.mark.parametrize(
    ("option", "options", "package", "extra"),
    [
        ("REDIS_URL", {"redis_url": "redis://127.0.0.1:9/0"}, "redis", "redis"),
        ("DATABASE_URL", POSTGRESQL, "asyncpg", "postgresql"),
    ],
    ids=["redis", "postgresql"],
)
def test_a_server_without_the_package_does_not_start(
    make_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    options: dict[str, object],
    package: str,
    extra: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(SettingsError) as caught:
        make_client(**options)

    assert str(caught.value) == f"OSSFERRY_{option} needs `{install_command(extra)}`."


@pytest.mark.parametrize(
    ("extra", "wheels"),
    [
        ("redis", '"$(echo PATH/TO/dist/ossferry-*.whl)[redis]"'),
        ("demo", "PATH/TO/dist/mock_oss-*.whl"),
        ("pyodide", "PATH/TO/dist/ossferry_pyodide-*.whl"),
    ],
)
def test_the_command_works_in_every_folder_and_takes_the_tested_versions(
    extra: str, wheels: str
) -> None:
    assert install_command(extra) == (
        f"{sys.executable} -m pip install --constraint PATH/TO/dist/constraints.txt {wheels}"
    )


def test_a_module_of_a_missing_package_is_missing_too() -> None:
    with pytest.raises(SettingsError, match=r"^X needs `.+ -m pip install .+\[x\]\"`\.$"):
        require_extra("x", module="no_such_package.module", needed_by="X")

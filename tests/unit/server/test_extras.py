"""An option that needs an optional package ends the start with a sentence that names the extra."""

import sys
from collections.abc import Callable

import pytest

from ossferry.app import create_app
from ossferry.errors import SettingsError
from ossferry.extras import WHEELS, install_command, require_extra
from ossferry.settings.model import Settings
from support.server_fakes import OBJECTS, FakeSts


@pytest.mark.parametrize(
    ("options", "package", "sentence"),
    [
        (
            {"redis_url": "redis://127.0.0.1:9/0"},
            "redis",
            'OSSFERRY_REDIS_URL needs `pip install "$(echo dist/ossferry-*.whl)[redis]"`.',
        ),
        (
            {**OBJECTS, "database_url": "postgresql://ossferry@127.0.0.1:9/ossferry"},
            "asyncpg",
            'OSSFERRY_DATABASE_URL needs `pip install "$(echo dist/ossferry-*.whl)[postgresql]"`.',
        ),
    ],
    ids=["redis", "postgresql"],
)
def test_a_server_without_the_package_does_not_start(
    make_settings: Callable[..., Settings],
    sts: FakeSts,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, object],
    package: str,
    sentence: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(SettingsError) as caught:
        create_app(make_settings(**options), assume_role=sts)

    assert str(caught.value) == sentence


@pytest.mark.parametrize("extra", ["redis", *WHEELS])
def test_the_command_takes_nothing_of_ours_from_the_package_index(extra: str) -> None:
    names = install_command(extra).removeprefix("pip install ").split()

    assert all("dist/" in name or name == '"$(echo' for name in names)


def test_the_mock_needs_one_wheel() -> None:
    assert install_command("demo") == "pip install dist/mock_oss-*.whl"


def test_a_module_of_a_missing_package_is_missing_too() -> None:
    with pytest.raises(SettingsError, match=r"^X needs `pip install .+\[x\]\"`\.$"):
        require_extra("x", module="no_such_package.module", needed_by="X")

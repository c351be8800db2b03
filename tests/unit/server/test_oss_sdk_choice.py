"""The option `oss_sdk` selects the package for OSS; the other package is not loaded."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from ossferry.errors import SettingsError
from ossferry.extras import install_command
from ossferry.oss.sdks.choice import open_sdk
from ossferry.settings.model import Settings
from support.server_fakes import OBJECTS, OPTIONS

PACKAGES = {"oss2": "oss2", "alibabacloud-oss-v2": "alibabacloud_oss_v2"}
START = """
import sys
import ossferry.app, ossferry.cli.demo
from ossferry.oss.sdks.choice import open_sdk
from ossferry.settings.loading import ExplicitSettings, load_settings
open_sdk(load_settings(ExplicitSettings, **{options!r}, oss_sdk={sdk!r})).close()
print(*sys.modules)
"""


@pytest.mark.parametrize("sdk", PACKAGES)
def test_only_the_chosen_sdk_is_loaded(sdk: str) -> None:
    code = START.format(options={**OPTIONS, **OBJECTS}, sdk=sdk)

    run = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert set(run.stdout.split()) & set(PACKAGES.values()) == {PACKAGES[sdk]}


def test_oss2_is_the_default(settings: Settings) -> None:
    assert settings.oss_sdk == "oss2"


def test_a_missing_package_is_one_sentence_that_says_what_to_install(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "alibabacloud_oss_v2", None)

    with pytest.raises(SettingsError) as caught:
        open_sdk(make_settings(**OBJECTS, oss_sdk="alibabacloud-oss-v2"))

    assert str(caught.value) == (
        f"OSSFERRY_OSS_SDK=alibabacloud-oss-v2 needs `{install_command('oss-v2')}`."
    )

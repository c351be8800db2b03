"""The choice of the SDK; this module imports only the chosen SDK."""

from ossferry.errors import SettingsError
from ossferry.oss.sdks.interface import Sdk
from ossferry.settings.model import Settings

__all__ = ["open_sdk"]


def open_sdk(settings: Settings) -> Sdk:
    """Return the SDK that the option `oss_sdk` names.

    Raises:
        SettingsError: the SDK's package is not installed.
    """
    if settings.oss_sdk == "oss2":
        from ossferry.oss.sdks.oss2_sdk import Oss2

        return Oss2(settings)
    try:
        from ossferry.oss.sdks.oss_v2_sdk import OssV2
    except ModuleNotFoundError as error:
        if error.name != "alibabacloud_oss_v2":
            raise
        raise SettingsError(
            f"OSSFERRY_OSS_SDK={settings.oss_sdk} needs `pip install 'ossferry[oss-v2]'`."
        ) from error
    return OssV2(settings)

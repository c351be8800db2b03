"""The choice of the SDK; this module imports only the chosen SDK."""

from ossferry.extras import require_extra
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
    require_extra(
        "oss-v2", module="alibabacloud_oss_v2", needed_by=f"OSSFERRY_OSS_SDK={settings.oss_sdk}"
    )
    from ossferry.oss.sdks.oss_v2_sdk import OssV2

    return OssV2(settings)

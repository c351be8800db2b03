"""The connection to the WebDriver of WebKitGTK."""

from typing import Any

from selenium.common.exceptions import InvalidSessionIdException, WebDriverException
from selenium.webdriver import Remote
from urllib3.exceptions import HTTPError

__all__ = ["BrowserLostError", "Driver"]

TERMINATED = "Session terminated"
"""In the driver's answer if MiniBrowser has ended."""


class BrowserLostError(Exception):
    """Raised if MiniBrowser or its driver has crashed, or does not answer."""


class Driver(Remote):
    """A WebDriver client that raises `BrowserLostError` if the browser is lost."""

    def execute(self, driver_command: Any, params: dict[str, Any] | None = None) -> Any:
        """Send a command and return the answer of the driver."""
        try:
            return super().execute(driver_command, params)
        except (HTTPError, InvalidSessionIdException) as error:
            raise BrowserLostError(f"{driver_command}: {error}") from error
        except WebDriverException as error:
            if TERMINATED in str(error.msg):
                raise BrowserLostError(f"{driver_command}: {error.msg}") from error
            raise

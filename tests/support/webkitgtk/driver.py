"""The connection to the WebDriver of WebKitGTK."""

from typing import Any

from selenium.common.exceptions import InvalidSessionIdException, WebDriverException
from selenium.webdriver import Remote
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.file_detector import UselessFileDetector
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.webkitgtk.options import Options
from urllib3.exceptions import HTTPError

SCRIPT_S = 40.0  # longer than any script of a story takes
ANSWER_S = 45  # a driver that takes longer is considered hanging
FIRST_ANSWERS_S = 10  # the same, until the first page is loaded

TERMINATED = "Session terminated"
"""In the driver's answer if MiniBrowser has ended."""


class BrowserLostError(Exception):
    """Raised if MiniBrowser or its driver has crashed, or does not answer."""


class Driver(Remote):
    """A WebDriver client that raises `BrowserLostError` if the browser is lost.

    About one of forty MiniBrowsers loses the answer to a script that runs while its first page is
    loaded, and then no command is answered. Until `page_is_there`, a lost answer is therefore
    noticed early.

    Args:
        address: the URL of the driver program.
    """

    def __init__(self, address: str, options: Options) -> None:
        self._address = address
        connection = _connection(address, FIRST_ANSWERS_S)
        super().__init__(connection, options=options, file_detector=UselessFileDetector())
        self.set_script_timeout(SCRIPT_S)

    def page_is_there(self) -> None:
        """Wait for answers as long as scripts may take, now that a page has been loaded."""
        self.command_executor = _connection(self._address, ANSWER_S)

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


def _connection(address: str, answer_s: int) -> RemoteConnection:
    """Return a connection with a timeout, because the driver sometimes hangs, and no retries."""
    once = {"retries": False}
    config = ClientConfig(
        remote_server_addr=address,
        timeout=answer_s,
        init_args_for_pool_manager={"init_args_for_pool_manager": once},
    )
    return RemoteConnection(client_config=config)

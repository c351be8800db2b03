"""Access of the commands `setup` and `teardown` to the caller's cloud account, or to a mock."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ossferry.cli.setup.terminal import Terminal
from ossferry.errors import CloudError, SettingsError, UsageError
from ossferry.oss import sts
from ossferry.oss.ram import NO_CREDENTIALS, caller_identity
from ossferry.settings.addresses import host_of, is_loopback
from ossferry.setup.account import Account
from ossferry.setup.calls import Plan, read_plan
from ossferry.setup.wanted import Wanted

RAM_ENDPOINT = "https://ram.aliyuncs.com"
STS_ENDPOINT = "https://sts.aliyuncs.com"


class Cloud:
    """The cloud services that `ossferry setup` and `teardown` call, or a mock of these services.

    Args:
        mock: URL of the mock; empty to call the cloud.
        oss_endpoint: URL of OSS; empty to use the mock, or else the public endpoint of the region.

    Raises:
        UsageError: the mock is on another machine.
    """

    def __init__(self, *, mock: str, oss_endpoint: str) -> None:
        if mock and not is_loopback(host_of(mock)):
            raise UsageError(
                f"--mock: {mock} is not on this machine, and the command sends your signatures over"
                " plain HTTP: give an address such as http://127.0.0.1:9000."
            )
        self.mock = mock
        self._oss = oss_endpoint or mock
        self._credentials = sts.default_credentials()

    def _account_id(self) -> str:
        try:
            return caller_identity(self._credentials, self.mock or STS_ENDPOINT)["AccountId"]
        except CloudError as error:
            if not self.mock or error.error_code or str(error) == NO_CREDENTIALS:
                raise
            raise CloudError(
                f"--mock: no mock answers at {self.mock}: start one with `ossferry mock-oss --port"
                f" {urlsplit(self.mock).port or 80}`, and run the command again."
            ) from error

    def wanted(self, names: Mapping[str, Any]) -> Wanted:
        """Return the names and options of a set-up; ask the person at the terminal for absent ones.

        Only the bucket, the region and the origins of the upload page are required and asked for.

        Args:
            names: options of the command; the keys are field names of `Wanted`.

        Raises:
            UsageError: a name is invalid, or is missing and nobody can be asked.
            CloudError: STS does not accept the caller's credentials, or does not answer.
        """
        given = {**names, "plain_http": self.mock.startswith("http://")}
        for name, option, question in (
            ("bucket", "--bucket", "Name of the bucket"),
            ("region", "--region", "Region, such as cn-hangzhou"),
            ("origins", "--origin", "Origin of the upload page, https://NAME"),
        ):
            if not given[name]:
                found = Terminal().asks_for(option, question)
                given[name] = (found,) if name == "origins" else found
        try:  # a wrong name is told before the first request
            Wanted(account="0" * 16, **given)
        except SettingsError as error:
            raise UsageError(str(error)) from error
        return Wanted(account=self._account_id(), **given)

    def plan(self, path: Path) -> Plan:
        """Read a plan file that `ossferry setup --plan` has written.

        Raises:
            SettingsError: the file is not a plan, or a plan for another account.
        """
        try:
            plan = read_plan(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            raise SettingsError(f"{path} is not a readable plan: write it with --plan.") from error
        account = self._account_id()
        if plan.wanted.account != account:
            raise SettingsError(
                f"the plan is for the account {plan.wanted.account}, but the credentials belong to"
                f" {account}: use credentials of that account."
            )
        return plan

    @contextmanager
    def account(self, wanted: Wanted) -> Iterator[Account]:
        """Context manager that connects to the caller's cloud account; its value is the `Account`.

        Args:
            wanted: the names of the resources in the account.

        Raises:
            CloudError: OSS does not accept the region in `wanted`, or does not answer.
        """
        oss = self._oss or f"https://oss-{wanted.region}.aliyuncs.com"
        found = Account(wanted, self._credentials, oss=oss, ram=self.mock or RAM_ENDPOINT)
        with closing(found):
            found.bucket.check_region()
            yield found

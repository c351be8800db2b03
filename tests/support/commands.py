"""Runs `ossferry` commands in this process, as an operator runs them beside a demo."""

import io
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

from alibabacloud_credentials.utils import auth_util

from mock_oss import User
from ossferry.cli.demo import SERVER, Demo
from ossferry.cli.main import main


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[list[str]]:
        """The lines of stdout, split at tabs."""
        return [line.split("\t") for line in self.out.splitlines()]

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables in stdout."""
        return dict(line.split("=", 1) for line in self.out.splitlines())

    @property
    def complaint(self) -> str:
        """The last line of stderr; the lines before are log lines."""
        return self.err.splitlines()[-1]


def run(*arguments: str, environment: Mapping[str, str]) -> Ran:
    """Run `ossferry` with exactly these options in the environment."""
    kept = {name: value for name, value in os.environ.items() if not _is_option(name)}
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, {**kept, **environment}, clear=True),
        patch("sys.argv", ["ossferry", *arguments]),
        caller(*(environment.get(f"ALIBABA_CLOUD_ACCESS_KEY_{name}") for name in ("ID", "SECRET"))),
        redirect_stdout(out),
        redirect_stderr(err),
        _kept_logging(),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
    return Ran(code=code, out=out.getvalue(), err=err.getvalue())


def caller(key_id: str | None, secret: str | None) -> AbstractContextManager[object]:
    """Return a context in which this access key is in the environment.

    The vendor's chain reads these variables only once, when it is imported.
    """
    return patch.multiple(
        auth_util, environment_access_key_id=key_id, environment_access_key_secret=secret
    )


def environment(demo: Demo, user: User = SERVER) -> dict[str, str]:
    """Return the options of a server like the demo's, with the access key of a user."""
    settings = demo.settings
    return granting(demo, user) | {
        "OSSFERRY_OBJECTS_ROLE_ARN": str(settings.objects_role_arn),
        "OSSFERRY_OBJECTS_ENDPOINT": str(settings.objects_endpoint),
        "OSSFERRY_DATABASE_URL": settings.ledger_url,
    }


def granting(demo: Demo, user: User = SERVER) -> dict[str, str]:
    """Return the options of a server that only gives grants for the demo's bucket."""
    settings = demo.settings
    ((key, secret),) = user.keys.items()
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret,
        "OSSFERRY_BUCKET": settings.bucket,
        "OSSFERRY_REGION": settings.region,
        "OSSFERRY_ENDPOINT": settings.endpoint,
        "OSSFERRY_STS_ENDPOINT": demo.oss.endpoint,
        "OSSFERRY_ROLE_ARN": settings.role_arn,
        "OSSFERRY_SECRET": settings.secret.get_secret_value(),
        "OSSFERRY_ALLOW_MOCK": "1",
    }


def _is_option(name: str) -> bool:
    return name.startswith(("OSSFERRY_", "ALIBABA_CLOUD_")) or "proxy" in name.lower()


@contextmanager
def _kept_logging() -> Iterator[None]:
    """Return a context in which a command may configure logging."""
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.raiseExceptions = raises

"""The wanted state of a cloud account: the names of all resources, and options of the set-up."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from ossferry.errors import SettingsError
from ossferry.settings.addresses import is_loopback

Identity: TypeAlias = Literal["user", "ecs"]
"""How the server proves its identity: with an access key, or on ECS with a role."""


_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+(-[0-9]+)?")
_ACCOUNT = re.compile(r"[0-9]{6,20}")
_ROLE = re.compile(r"[A-Za-z0-9-]{1,64}")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The wanted state of a cloud account: the names of its resources, and options of the set-up.

    Attributes:
        account: id of the cloud account.
        origins: origins of the pages that upload; the set-up's CORS rule allows exactly these.
        role: name of the RAM role whose credentials the page gets; its policy has the same name.
        objects_role: name of the RAM role for the server's own access to objects; its policy has
            the same name.
        server: name of the server's RAM user or role; its policy has the same name.
        identity: how the server proves its identity: `user` with an access key, `ecs` on ECS.
        doctor: whether the server's user or role gets the right to read the bucket's settings,
            which `ossferry doctor` needs.
        versioning: whether to keep old versions of objects.
        domain: custom domain of the bucket, or empty text.
        certificate: path of the domain's certificate chain (PEM), or empty text.
        private_key: path of the certificate's key (PEM), or empty text.
        adopt: whether to change, and in a teardown to remove, resources that another program or
            person has created.
        plain_http: whether the roles also work over plain HTTP, which only a mock needs.

    Raises:
        SettingsError: a value is invalid; the message names the option.
    """

    account: str
    bucket: str
    region: str
    origins: tuple[str, ...]
    role: str = "oss-web-upload"
    objects_role: str = "oss-web-objects"
    server: str = "ossferry-server"
    identity: Identity = "ecs"
    doctor: bool = True
    versioning: bool = False
    domain: str = ""
    certificate: str = ""
    private_key: str = ""
    adopt: bool = False
    plain_http: bool = False

    def __post_init__(self) -> None:
        name = "a name: 1 to 64 letters, digits and '-'"
        bucket = "a bucket name: 3 to 63 characters a-z, 0-9 and '-', without '-' at the ends"
        _check("--account", _ACCOUNT, self.account, "an account id: 6 to 20 digits")
        _check("--bucket", _BUCKET, self.bucket, bucket)
        region = "a region such as cn-hangzhou, without 'oss-'"
        _check("--region", _REGION, self.region, region)
        _check("--role", _ROLE, self.role, name)
        _check("--objects-role", _ROLE, self.objects_role, name)
        _check("--server-name", _ROLE, self.server, name)
        if len({self.role, self.objects_role, self.server, self.doctor_policy}) < 4:
            raise SettingsError(
                "--role, --objects-role and --server-name must be different names, and different"
                f" from {self.doctor_policy}, the name of a policy."
            )
        self._check_origins()
        self._check_domain()

    def _check_origins(self) -> None:
        if not self.origins:
            raise SettingsError("--origin: give the origin of the upload page, https://NAME.")
        for origin in self.origins:
            url = urlsplit(origin)
            is_origin = origin == f"{url.scheme}://{url.netloc}" == origin.lower() and url.hostname
            if not is_origin or "*" in origin or "@" in origin:
                raise SettingsError(
                    f"--origin: {origin} must be scheme and host name in lower case, with a port if"
                    " it is not the standard one, and without a path: https://uploads.example.com."
                )
            if url.scheme != "https" and not (
                url.scheme == "http" and is_loopback(url.hostname or "")
            ):
                raise SettingsError(
                    f"--origin: {origin} must be https; http works on this machine only."
                )

    def _check_domain(self) -> None:
        if self.domain:
            _check("--domain", _DOMAIN, self.domain, "a host name such as files.example.com")
        if bool(self.certificate) != bool(self.private_key):
            raise SettingsError("--certificate and --private-key belong together: give both.")
        if self.certificate and not self.domain:
            raise SettingsError("--certificate needs --domain.")

    @property
    def server_kind(self) -> Literal["User", "Role"]:
        """The kind of RAM entity that is the server's identity: `User` or `Role`."""
        return "User" if self.identity == "user" else "Role"

    @property
    def server_arn(self) -> str:
        """The ARN of the server's RAM user or role.

        Only this principal may assume the role for the page and the role for the server's access.
        """
        return f"acs:ram::{self.account}:{self.server_kind.lower()}/{self.server}"

    @property
    def doctor_policy(self) -> str:
        """The name of the RAM policy that lets `ossferry doctor` read the bucket's settings."""
        return f"{self.server}-doctor"

    @property
    def role_arn(self) -> str:
        """The ARN of the RAM role whose STS credentials the upload page gets."""
        return f"acs:ram::{self.account}:role/{self.role}"

    @property
    def objects_role_arn(self) -> str:
        """The ARN of the RAM role for the server's own access to stored objects."""
        return f"acs:ram::{self.account}:role/{self.objects_role}"

    @property
    def mark(self) -> str:
        """The description that `ossferry setup` gives to each RAM entity that it creates.

        It contains the bucket's name, so it shows for which bucket an entity was created.
        """
        return f"Made by ossferry setup for the bucket {self.bucket}"


def _check(option: str, pattern: re.Pattern[str], value: str, kind: str) -> None:
    if not pattern.fullmatch(value):
        raise SettingsError(f"{option}: {value!r} must be {kind}.")

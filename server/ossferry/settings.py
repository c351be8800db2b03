"""Every option of the server, read from `OSSFERRY_*` variables and `.env`; the only such reader.

Values are checked one by one and together; what is unsafe or missing stops the start with one
sentence that names the option. Nothing here opens a connection.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ossferry.errors import SettingsError

__all__ = ["Auth", "ExplicitSettings", "Runtime", "Settings", "is_loopback", "load_settings"]

Auth: TypeAlias = Literal["demo"]
Runtime: TypeAlias = Literal["micropython", "pyodide"]

PREFIX = "OSSFERRY_"
MIN_SECRET_LENGTH = 32
UNPROVEN: frozenset[str] = frozenset({"demo"})
"""Ways of being identified that prove nothing."""

_DNS_NAME = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
)


def _origin(value: str) -> str:
    """Check for `scheme://host[:port]` and nothing else."""
    parts = urlsplit(value.rstrip("/"))
    _ = parts.port  # raises ValueError when it is no number
    bare = f"{parts.scheme}://{parts.netloc}" == value.rstrip("/") and parts.hostname
    if not bare or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise ValueError("must look like https://host or https://host:port")
    return value.rstrip("/").lower()


Origin: TypeAlias = Annotated[str, AfterValidator(_origin)]
BucketName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")
]


class Settings(BaseSettings):
    """Options of `ossferry serve`; each is the environment variable `OSSFERRY_` + its name."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    auth: Auth = Field(
        default="demo",
        description="How people are identified. `demo`: Alice or Bob by a cookie, mock only.",
    )
    bucket: BucketName = Field(description="The bucket that uploads go to.")
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,}-[a-z0-9-]+$")] = Field(
        description="The bucket's region without `oss-`, such as `cn-hangzhou`."
    )
    endpoint: Origin = Field(
        description="Public OSS endpoint without the bucket, such as"
        " `https://oss-cn-hangzhou.aliyuncs.com`; browsers talk to `BUCKET.` + this host."
    )
    sts_endpoint: Origin | None = Field(
        default=None, description="STS endpoint; by default `https://sts.REGION.aliyuncs.com`."
    )
    role_arn: Annotated[str, StringConstraints(pattern=r"^acs:ram::\d+:role/[\w.-]+$")] = Field(
        description="The RAM role whose rights are lent out, `acs:ram::ACCOUNT:role/NAME`."
    )
    secret: SecretStr = Field(
        description="At least 32 random characters; keys the hashes in prefixes and logs."
        " Changing it gives everybody a new prefix."
    )
    session_duration_s: int = Field(
        default=900, ge=900, le=43200, description="Life of the credentials; STS allows no less."
    )
    sts_timeout_s: float = Field(
        default=3.0, gt=0, le=30, description="How long STS may take to answer."
    )
    max_file_size: int = Field(
        default=5 * 1024**3, ge=1, description="Largest file that the page accepts, in bytes."
    )
    max_files: int = Field(default=1000, ge=1, description="Most files that wait in the page.")
    runtime: Runtime = Field(
        default="micropython", description="The interpreter that runs the page's main thread."
    )
    allow_runtime_query: bool = Field(
        default=False, description="Let `?runtime=` choose the interpreter; meant for the demo."
    )
    web_dir: Path | None = Field(
        default=None, description="The built page; by default the one in the package or checkout."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on.")
    allowed_hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost"),
        description="Host names, as a JSON list, under which the server may be asked.",
    )
    behind_tls: bool = Field(
        default=False, description="A proxy in front speaks TLS; needed to listen beyond loopback."
    )
    allow_mock: bool = Field(
        default=False, description="Accept a mock OSS, and plain http to this machine."
    )

    @field_validator("secret")
    @classmethod
    def _secret_is_long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < MIN_SECRET_LENGTH:
            raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_are_exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any("*" in host or ":" in host for host in value):
            raise ValueError("must list host names without wildcards or ports")
        return tuple(host.lower() for host in value)

    @model_validator(mode="after")
    def _combination_is_safe(self) -> Self:
        if self.auth in UNPROVEN and not self.allow_mock:
            raise ValueError(
                f"OSSFERRY_AUTH={self.auth} lets anyone in and needs OSSFERRY_ALLOW_MOCK=1"
            )
        if not is_loopback(self.host) and not (self.behind_tls or self.allow_mock):
            raise ValueError("OSSFERRY_HOST beyond loopback needs OSSFERRY_BEHIND_TLS=1")
        self._check_address("OSSFERRY_ENDPOINT", self.endpoint)
        if self.sts_endpoint:
            self._check_address("OSSFERRY_STS_ENDPOINT", self.sts_endpoint)
        host = urlsplit(self.endpoint).hostname or ""
        if _is_address(host) or not _DNS_NAME.fullmatch(host):
            raise ValueError("OSSFERRY_ENDPOINT must be a host name: browsers ask BUCKET.host")
        return self

    def _check_address(self, option: str, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https":
            return
        if not (self.allow_mock and is_loopback(parts.hostname or "")):
            raise ValueError(f"{option} must be https; http is for a mock on this machine")

    @property
    def bucket_origin(self) -> str:
        """`scheme://BUCKET.host[:port]`, where browsers send the files."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{self.bucket}.{parts.netloc}"

    @property
    def sts_address(self) -> str:
        """`scheme://host[:port]` of the STS that is asked."""
        return self.sts_endpoint or f"https://sts.{self.region}.aliyuncs.com"


class ExplicitSettings(Settings):
    """The same options, all handed over in code: environment and `.env` are not read."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave the values handed over as the only source."""
        return (init_settings,)


def load_settings(cls: type[Settings] = Settings, /, **values: object) -> Settings:
    """Read the settings.

    Args:
        cls: `ExplicitSettings` to leave the environment alone.
        values: options that win over the environment.

    Raises:
        SettingsError: one sentence that names the first option at fault.
    """
    try:
        return cls(**values)  # type: ignore[arg-type]  # pydantic checks what arrives
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from error


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    words = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{words}."
    option = PREFIX + str(first["loc"][0]).upper()
    if first["type"] == "missing":
        return f"{option} is missing."
    return f"{option}: {words[0].lower()}{words[1:]}."

"""Every option of the server, read from `OSSFERRY_*` variables and `.env`; the only such reader.

Values are checked one by one and together (`settings_rules`); what is unsafe or missing stops the
start with one sentence that names the option. Nothing here opens a connection.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeAlias
from urllib.parse import urlsplit

import limits
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
from ossferry.settings_files import FileSecrets
from ossferry.settings_rules import RULES, is_loopback

__all__ = ["Auth", "ExplicitSettings", "Runtime", "Settings", "is_loopback", "load_settings"]

Auth: TypeAlias = Literal["demo", "apikey", "jwt", "oidc", "proxy"]
Runtime: TypeAlias = Literal["micropython", "pyodide"]
Action: TypeAlias = Literal[
    "oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload", "oss:GetObject"
]
Algorithm: TypeAlias = Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

PREFIX = "OSSFERRY_"
MIN_SECRET_LENGTH = 32


def _origin(value: str) -> str:
    """Check for `scheme://host[:port]` and nothing else."""
    parts = urlsplit(value.rstrip("/"))
    _ = parts.port  # raises ValueError when it is no number
    bare = f"{parts.scheme}://{parts.netloc}" == value.rstrip("/") and parts.hostname
    if not bare or parts.scheme not in ("http", "https") or "@" in parts.netloc:
        raise ValueError("must look like https://host or https://host:port")
    if "*" in value:
        raise ValueError("must be exact, without wildcards")
    return value.rstrip("/").lower()


def _rate(value: str) -> str:
    try:
        limits.parse(value)
    except ValueError as error:
        raise ValueError("must look like 60/minute") from error
    return value


def _long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_SECRET_LENGTH:
        raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters")
    return value


Origin: TypeAlias = Annotated[str, AfterValidator(_origin)]
Rate: TypeAlias = Annotated[str, AfterValidator(_rate)]
LongSecret: TypeAlias = Annotated[SecretStr, AfterValidator(_long)]
BucketName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")
]
HeaderName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", to_lower=True)
]


class Settings(BaseSettings):
    """Options of `ossferry serve`; each is the environment variable `OSSFERRY_` + its name."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    auth: Auth = Field(
        default="demo",
        description="How people are identified. `demo`: Alice or Bob by a cookie, mock only;"
        " `apikey`: keys of `ossferry apikey`; `jwt`: bearer tokens of an issuer;"
        " `oidc`: sign-in page and session cookie; `proxy`: a header set by a proxy in front.",
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
    endpoint_suffixes: tuple[str, ...] = Field(
        default=(".aliyuncs.com",),
        description="Ends of host names, as a JSON list, that the two endpoints may have.",
    )
    role_arn: Annotated[str, StringConstraints(pattern=r"^acs:ram::\d+:role/[\w.-]+$")] = Field(
        description="The RAM role whose rights are lent out, `acs:ram::ACCOUNT:role/NAME`."
    )
    secret: LongSecret = Field(
        description="At least 32 random characters; keys the hashes in prefixes, logs, API keys"
        " and sessions. Changing it gives everybody a new prefix."
    )
    session_duration_s: int = Field(
        default=900, ge=900, le=43200, description="Life of the credentials; STS allows no less."
    )
    actions: tuple[Action, ...] = Field(
        default=("oss:PutObject", "oss:ListParts", "oss:AbortMultipartUpload"),
        min_length=1,
        description="What the credentials allow below the prefix, as a JSON list.",
    )
    bind_address: bool = Field(
        default=False,
        description="Credentials work from the asking address only (`acs:SourceIp`); leave it off"
        " where people reach OSS from another address than this server.",
    )
    sts_timeout_s: float = Field(
        default=3.0, gt=0, le=30, description="How long STS may take to answer."
    )
    sts_calls_per_s: int = Field(
        default=75, ge=1, le=95, description="Most calls to STS; an account may make 100 a second."
    )
    api_keys_file: Path | None = Field(
        default=None, description="Where `ossferry apikey` keeps the hashes of API keys."
    )
    jwt_issuer: str = Field(default="", description="The `iss` of accepted bearer tokens.")
    jwt_audience: str = Field(default="", description="The `aud` of accepted bearer tokens.")
    jwt_jwks_url: str = Field(default="", description="Where the issuer publishes its keys.")
    jwt_algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256", "ES256"),
        min_length=1,
        description="Accepted signature algorithms, as a JSON list.",
    )
    oidc_issuer: str = Field(default="", description="The OpenID provider's issuer address.")
    oidc_client_id: str = Field(default="", description="Our client id at the provider.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Our client secret at the provider."
    )
    login_idle_s: int = Field(
        default=3600, ge=60, description="A session ends after this time without a request."
    )
    login_max_s: int = Field(
        default=43200, ge=60, description="A session ends after this time in any case."
    )
    allow_private_issuer: bool = Field(
        default=False,
        description="Fetch `OSSFERRY_JWT_JWKS_URL` and the OpenID provider's pages from private"
        " addresses too.",
    )
    proxy_secret: LongSecret | None = Field(
        default=None,
        description="What the proxy must send in `X-Proxy-Secret` to be believed who is asking.",
    )
    proxy_user_header: HeaderName = Field(
        default="x-forwarded-user", description="The header in which the proxy says who is asking."
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(IPv4Network("127.0.0.1/32"), IPv6Network("::1/128")),
        description="Networks, as a JSON list, whose `X-Forwarded-For` and `X-Forwarded-Proto`"
        " count, and from which `OSSFERRY_AUTH=proxy` takes identities.",
    )
    cors_origins: tuple[Origin, ...] = Field(
        default=(), description="Other origins, as a JSON list, whose pages may ask with a bearer."
    )
    rate_per_principal: Rate = Field(
        default="120/minute", description="Most requests of one principal."
    )
    rate_per_address: Rate = Field(
        default="600/minute", description="Most requests of one address; IPv6 counts as /64."
    )
    rate_global: Rate = Field(default="5000/second", description="Most requests of everybody.")
    rate_failures: Rate = Field(
        default="30/minute", description="Most failed identifications of one address or key id."
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis for several processes: limits, grants, sign-outs; else memory.",
    )
    max_file_size: int = Field(
        default=48_800_000_000_000,
        ge=1,
        description="Largest file that the page accepts, in bytes.",
    )
    max_files: int = Field(default=10_000, ge=1, description="Most files that wait in the page.")
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
    public_url: Origin | None = Field(
        default=None, description="Where browsers find this server, `https://host`."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost"),
        description="Host names, as a JSON list, under which the server may be asked.",
    )
    behind_tls: bool = Field(
        default=False, description="A proxy in front speaks TLS; needed to listen beyond loopback."
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Processes; more than one needs Redis."
    )
    limit_concurrency: int = Field(
        default=1000, ge=1, description="Most requests at one time; further ones get 503."
    )
    limit_connections: int = Field(
        default=4000, ge=1, description="Most open connections of one process."
    )
    read_timeout_s: float = Field(
        default=10.0, gt=0, le=120, description="How long a client may take to send a request."
    )
    metrics_token: LongSecret | None = Field(
        default=None, description="Bearer token that opens `/metrics`; without it there is none."
    )
    audit_file: Path | None = Field(
        default=None, description="Where audit lines go; by default into the log, on stderr."
    )
    log_level: Level = Field(default="INFO", description="Least level that is logged.")
    allow_mock: bool = Field(
        default=False, description="Accept a mock OSS, and plain http to this machine."
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_are_exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any("*" in host or ":" in host for host in value):
            raise ValueError("must list host names without wildcards or ports")
        return tuple(host.lower() for host in value)

    @field_validator("endpoint_suffixes")
    @classmethod
    def _suffixes_are_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not end.startswith(".") or end.strip(".").count(".") < 1 for end in value):
            raise ValueError("must list domains such as .aliyuncs.com")
        return value

    @model_validator(mode="after")
    def _combination_is_safe(self) -> Self:
        for rule in RULES:
            for sentence in rule(self):
                raise ValueError(sentence)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values in code come first, then the environment, `.env`, and files named by `*_FILE`."""
        files = FileSecrets(settings_cls, PREFIX, (env_settings, dotenv_settings))
        return (init_settings, files, env_settings, dotenv_settings)

    @property
    def bucket_origin(self) -> str:
        """`scheme://BUCKET.host[:port]`, where browsers send the files."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{self.bucket}.{parts.netloc}"

    @property
    def sts_address(self) -> str:
        """`scheme://host[:port]` of the STS that is asked."""
        return self.sts_endpoint or f"https://sts.{self.region}.aliyuncs.com"

    @property
    def secret_bytes(self) -> bytes:
        """The secret, to key a hash with."""
        return self.secret.get_secret_value().encode()


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


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    words = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{words}."
    option = PREFIX + str(first["loc"][0]).upper()
    if first["type"] == "missing":
        return f"{option} is missing."
    return f"{option}: {words[0].lower()}{words[1:]}."

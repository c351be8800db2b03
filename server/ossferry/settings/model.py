"""The options of the server, read from `OSSFERRY_*` variables and `.env`.

No other module reads these variables. Each value is checked on its own (`types`) and together with
others (`rules`). An unsafe or missing value stops the start with one sentence that names the
option. This module opens no connection.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import (
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ossferry.settings.addresses import Addresses
from ossferry.settings.choices import (
    UPLOAD_ACTIONS,
    Action,
    Algorithm,
    Auth,
    Level,
    Refused,
    Runtime,
    Undo,
)
from ossferry.settings.files import FileSecrets
from ossferry.settings.rules import broken_rules
from ossferry.settings.types import (
    HOST_NAME,
    MAX_OBJECT_SIZE,
    BucketName,
    FileType,
    HeaderName,
    LongSecret,
    Origin,
    Rate,
    RoleArn,
    WebhookSecret,
)

__all__ = ["PREFIX", "Settings"]

PREFIX = "OSSFERRY_"


class Settings(BaseSettings):
    """Options of `ossferry serve`; each is the environment variable `OSSFERRY_` + its name."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    auth: Auth = Field(
        default="demo",
        description="How people are identified. `demo`: Alice or Bob by a cookie, starts only where"
        " OSS and STS are a mock on this machine;"
        " `apikey`: keys of `ossferry apikey`; `jwt`: bearer tokens of an issuer;"
        " `oidc`: sign-in page and session cookie; `proxy`: a header set by a proxy in front.",
    )
    bucket: BucketName = Field(description="The bucket that uploads go to.")
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,}-[a-z0-9-]+$")] = Field(
        description="The bucket's region without `oss-`, such as `cn-hangzhou`."
    )
    endpoint: Origin = Field(
        description="Public OSS endpoint without the bucket, such as"
        " `https://oss-cn-hangzhou.aliyuncs.com`; browsers talk to `BUCKET.` + this host. With"
        " `OSSFERRY_CNAME=1` a custom domain of the bucket, to which browsers talk as it is."
    )
    cname: bool = Field(
        default=False,
        description="`OSSFERRY_ENDPOINT` is a custom domain that is bound to the bucket; accounts"
        " opened since 20 March 2025 need one in regions of the mainland, see"
        " [custom-domain.md](custom-domain.md).",
    )
    upload_hosts: tuple[Origin, ...] = Field(
        default=(),
        description="Further addresses of the same bucket, as a JSON list in order of preference:"
        " endpoints of Alibaba Cloud without the bucket, such as"
        " `https://oss-accelerate.aliyuncs.com`, and custom domains. `OSSFERRY_ENDPOINT` comes"
        " first unless it is in the list.",
    )
    sts_endpoint: Origin | None = Field(
        default=None, description="STS endpoint; by default `https://sts.REGION.aliyuncs.com`."
    )
    ram_endpoint: Origin = Field(
        default="https://ram.aliyuncs.com",
        description="RAM endpoint for `ossferry admin kill-switch`.",
    )
    endpoint_suffixes: tuple[str, ...] = Field(
        default=(".aliyuncs.com",),
        description="Ends of host names, as a JSON list, that the two endpoints may have.",
    )
    role_arn: RoleArn = Field(
        description="The RAM role whose rights are lent out, `acs:ram::ACCOUNT:role/NAME`."
    )
    objects_role_arn: RoleArn | None = Field(
        default=None,
        description="Another RAM role, with which the server itself looks at uploads; without it"
        " there are no receipts.",
    )
    objects_session_s: int = Field(
        default=3600, ge=900, le=43200, description="Life of the server's own credentials."
    )
    objects_endpoint: Origin | None = Field(
        default=None,
        description="OSS endpoint for the server itself, such as the internal one; by default"
        " `OSSFERRY_ENDPOINT`.",
    )
    oss_timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="How long OSS may take to answer the server."
    )
    share_access_key_id: str = Field(
        default="",
        description="An access key that may only read uploads; links signed with it can live for"
        " 7 days. Without it a link ends with the server's own credentials.",
    )
    share_access_key_secret: SecretStr | None = Field(
        default=None, description="The secret of `OSSFERRY_SHARE_ACCESS_KEY_ID`."
    )
    link_origin: Origin | None = Field(
        default=None,
        description="A custom domain of the bucket (CNAME) for links and previews,"
        " `https://files.example.net`; by default the first custom domain among `OSSFERRY_ENDPOINT`"
        " and `OSSFERRY_UPLOAD_HOSTS`. OSS's default domain makes everything a download.",
    )
    undo: Undo = Field(
        default="trash",
        description="How a deleted upload can come back. `trash`: it is copied below `trash/`;"
        " `versions`: the bucket keeps versions; `off`: not at all.",
    )
    undo_s: int = Field(
        default=86400, ge=60, description="How long a deleted upload can come back."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="The ledger, `postgresql://user:password@host/name` (`?sslmode=verify-full` for"
        " another machine's) or `sqlite:///path`; by default `ossferry.db` in the working"
        " directory, if there is a role for uploads.",
    )
    quota_bytes_day: int | None = Field(
        default=None, ge=0, description="Most bytes that one principal may upload on a day (UTC)."
    )
    quota_objects_day: int | None = Field(
        default=None, ge=0, description="Most files that one principal may upload on a day (UTC)."
    )
    quota_bytes_total: int | None = Field(
        default=None, ge=0, description="Most bytes that one principal may have stored."
    )
    quota_objects_total: int | None = Field(
        default=None, ge=0, description="Most files that one principal may have stored."
    )
    reconcile_s: float = Field(
        default=60.0,
        ge=1,
        le=300,
        description="How often the uploads of those who hold credentials are looked through for"
        " what arrived without a receipt.",
    )
    settle_s: float = Field(
        default=120.0,
        ge=0,
        le=600,
        description="How long an upload waits for the page to confirm or refuse it, before it is"
        " recorded without a receipt.",
    )
    refused: Refused = Field(
        default="remove",
        description="What becomes of an upload whose checksum the page refused. `remove`: its bytes"
        " are deleted; `trash`: they are kept below `trash/` for `OSSFERRY_UNDO_S`, and count in"
        " the quota.",
    )
    skip_identical: bool = Field(
        default=False,
        description="Let the page compute the CRC-64 of each file before it is sent, and send none"
        " that is stored already under the same name and folders.",
    )
    callback: bool = Field(
        default=False, description="Take upload callbacks of OSS at `/api/callback`."
    )
    webhook_url: str = Field(
        default="", description="Where events are delivered to, `https://host/path`."
    )
    webhook_secret: WebhookSecret | None = Field(
        default=None,
        description="Signs what is delivered to `OSSFERRY_WEBHOOK_URL`; best `whsec_` and the"
        " base64 of 32 random bytes.",
    )
    admins: tuple[str, ...] = Field(
        default=(), description="Ids of principals, as a JSON list, who may read `/admin`."
    )
    secret: LongSecret = Field(
        description="At least 32 random characters; keys the hashes in prefixes, logs, API keys"
        " and sessions. Changing it gives everybody a new prefix."
    )
    session_duration_s: int = Field(
        default=900,
        ge=900,
        le=3600,
        description="Life of the credentials, which nobody can call back: 15 minutes, the least"
        " that STS allows, to an hour.",
    )
    actions: tuple[Action, ...] = Field(
        default=UPLOAD_ACTIONS,
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
    oidc_issuer: str = Field(
        default="", description="The OpenID provider's issuer address, exactly as it writes it."
    )
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
        description="Reach `OSSFERRY_JWT_JWKS_URL`, the OpenID provider's pages and"
        " `OSSFERRY_WEBHOOK_URL` at private addresses too.",
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
    frame_origins: tuple[Origin, ...] = Field(
        default=(),
        description="Other origins, as a JSON list, whose pages may embed the upload page.",
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
    rate_objects: Rate = Field(
        default="6000/minute",
        description="Most requests of one principal about uploads: a receipt for each file.",
    )
    rate_global: Rate = Field(default="5000/second", description="Most requests of everybody.")
    rate_renewals: Rate = Field(
        default="20/minute",
        description="Most calls to STS that one principal causes because OSS refused theirs.",
    )
    rate_failures: Rate = Field(
        default="30/minute",
        description="Most failed identifications of one address or key id; who can prove who they"
        " are comes in all the same.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis for several processes: limits, grants, sessions; else memory. With a"
        " ledger sign-outs are there; without one sessions end with Redis's data, or the process.",
    )
    max_file_size: int = Field(
        default=MAX_OBJECT_SIZE,
        ge=1,
        description="Largest file that the page accepts, in bytes.",
    )
    max_files: int = Field(default=10_000, ge=1, description="Most files that wait in the page.")
    allowed_types: tuple[FileType, ...] = Field(
        default=(),
        description="Files that the page accepts, as a JSON list of what HTML's `accept` takes:"
        ' `["image/*", "application/pdf", ".csv"]`; by default all. Nothing but the page looks at'
        " it: OSS cannot.",
    )
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
        description="Host names, as a JSON list, under which the server may be asked. Only"
        " `/healthz` and `/readyz` answer under any: probes ask by address.",
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
    tracing: bool = Field(
        default=False,
        description="Send spans of grants and calls to STS to the OpenTelemetry collector that"
        " `OTEL_EXPORTER_OTLP_ENDPOINT` names; needs `ossferry[otel]`.",
    )
    audit_file: Path | None = Field(
        default=None,
        description="Where audit lines go, those of `ossferry apikey` too; by default into the log,"
        " on stderr.",
    )
    log_level: Level = Field(default="INFO", description="Least level that is logged.")
    allow_mock: bool = Field(
        default=False,
        description="OSS and STS are a mock on this machine; with one of them elsewhere the server"
        " does not start. It may ask this machine over plain http, and the demo may be asked so.",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_are_exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(HOST_NAME.fullmatch(host) for host in value):
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
        for sentence in broken_rules(self):
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
        """Return the sources in order of precedence: code, `*_FILE` files, environment, `.env`."""
        files = FileSecrets(settings_cls, PREFIX, (env_settings, dotenv_settings))
        return (init_settings, files, env_settings, dotenv_settings)

    @property
    def addresses(self) -> Addresses:
        """The addresses of the bucket that follow from the options."""
        return Addresses(
            bucket=self.bucket,
            endpoint=self.endpoint,
            cname=self.cname,
            upload_hosts=self.upload_hosts,
            link_origin=self.link_origin,
            endpoint_suffixes=self.endpoint_suffixes,
            allow_mock=self.allow_mock,
        )

    @property
    def bucket_origin(self) -> str:
        """See `Addresses`."""
        return self.addresses.bucket_origin

    @property
    def upload_origins(self) -> tuple[str, ...]:
        """See `Addresses`."""
        return self.addresses.upload_origins

    @property
    def form_address(self) -> str:
        """See `Addresses`."""
        return self.addresses.form_address

    @property
    def links_address(self) -> str:
        """See `Addresses`."""
        return self.addresses.links_address

    @property
    def sts_address(self) -> str:
        """`scheme://host[:port]` of STS."""
        return self.sts_endpoint or f"https://sts.{self.region}.aliyuncs.com"

    @property
    def objects_address(self) -> str:
        """`scheme://host[:port]` of the OSS endpoint that the server itself uses."""
        return self.objects_endpoint or self.endpoint

    @property
    def objects_by_cname(self) -> bool:
        """Whether the server itself reaches OSS at a custom domain."""
        return self.cname and self.objects_address == self.endpoint

    @property
    def ledger_url(self) -> str:
        """The URL of the ledger's database."""
        url = self.database_url
        return "sqlite:///ossferry.db" if url is None else url.get_secret_value()

    @property
    def secret_bytes(self) -> bytes:
        """The secret as bytes, the key of keyed hashes."""
        return self.secret.get_secret_value().encode()

"""The options of the server, read from `OSSFERRY_*` variables and `.env`.

Only the modules of this folder read these variables. Each value is validated alone (`types`) and in
combination with other values (`rules`). If a value is unsafe or missing, the server does not start,
and the error message names the option. This module opens no connection.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Self

from pydantic import (
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from ossferry.settings.addresses import Addresses
from ossferry.settings.checks import PREFIX, CheckSettings
from ossferry.settings.choices import (
    UPLOAD_ACTIONS,
    Action,
    Algorithm,
    GrantKind,
    Level,
    OssSdk,
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
    Description,
    FileType,
    FrameOrigins,
    HeaderName,
    LongSecret,
    Methods,
    Origin,
    Rate,
    Region,
    RoleArn,
    SignInUrl,
    WebhookSecret,
)

__all__ = ["PREFIX", "Settings"]


class Settings(CheckSettings):
    """Options of `ossferry serve`.

    Each option is set by the environment variable `OSSFERRY_` + the option's name in capitals.
    """

    auth: Methods = Field(
        default=("demo",),
        min_length=1,
        description="How the server identifies people: one word, or a JSON list such as"
        ' `["oidc", "apikey"]`. `demo`: a cookie that selects Alice or Bob;'
        " starts only if OSS and STS are a mock on this machine. `apikey`: API keys made with"
        " `ossferry apikey`. `jwt`: bearer tokens of an issuer. `oidc`: a sign-in page and a"
        " session cookie. `proxy`: a header that a proxy in front of the server sets. `app`: the"
        " application that mounts the server, by the argument `identify` of `create_app`. A list"
        " may have `apikey` and one of `jwt`, `oidc` and `proxy`; both `jwt` and `oidc` only with"
        " the same issuer.",
    )
    bucket: BucketName = Field(description="The bucket that stores the uploads.")
    region: Region = Field(description="The bucket's region without `oss-`, such as `cn-hangzhou`.")
    endpoint: Origin = Field(
        description="The public OSS endpoint without the bucket, such as"
        " `https://oss-cn-hangzhou.aliyuncs.com`; browsers send files to `BUCKET.` + this host."
        " With `OSSFERRY_CNAME=1`, a custom domain of the bucket; browsers send files to exactly"
        " this address."
    )
    cname: bool = Field(
        default=False,
        description="Set this if `OSSFERRY_ENDPOINT` is a custom domain that is bound to the"
        " bucket. Accounts opened since 20 March 2025 need a custom domain in regions of the"
        " Chinese mainland, see [custom-domain.md](custom-domain.md).",
    )
    upload_hosts: tuple[Origin, ...] = Field(
        default=(),
        description="More addresses of the same bucket, as a JSON list in order of preference:"
        " endpoints of Alibaba Cloud without the bucket, such as"
        " `https://oss-accelerate.aliyuncs.com`, and custom domains. `OSSFERRY_ENDPOINT` comes"
        " first unless the list contains it. The page sends small files to all custom domains.",
    )
    sts_endpoint: Origin | None = Field(
        default=None, description="The STS endpoint; by default `https://sts.REGION.aliyuncs.com`."
    )
    ram_endpoint: Origin = Field(
        default="https://ram.aliyuncs.com",
        description="The RAM endpoint for `ossferry admin kill-switch`.",
    )
    endpoint_suffixes: tuple[str, ...] = Field(
        default=(".aliyuncs.com",),
        description="The allowed endings of host names of endpoints, as a JSON list.",
    )
    role_arn: RoleArn = Field(
        description="The RAM role for the page's credentials, `acs:ram::ACCOUNT:role/NAME`; each"
        " grant gets a part of its rights."
    )
    objects_role_arn: RoleArn | None = Field(
        default=None,
        description="A second RAM role, which the server uses to read, list and delete uploads;"
        " without it there are no receipts.",
    )
    objects_session_s: int = Field(
        default=3600,
        ge=900,
        le=43200,
        description="Lifetime of the server's own credentials in seconds.",
    )
    objects_endpoint: Origin | None = Field(
        default=None,
        description="The OSS endpoint for the server's own requests, such as the internal"
        " endpoint; by default `OSSFERRY_ENDPOINT`.",
    )
    oss_timeout_s: float = Field(
        default=5.0,
        gt=0,
        le=60,
        description="How many seconds the server waits for an answer of OSS.",
    )
    oss_sdk: OssSdk = Field(
        default="oss2",
        description="The Python package for the server's own requests to OSS and for links;"
        " `alibabacloud-oss-v2`, the successor of `oss2`, needs the extra `oss-v2`.",
    )
    share_access_key_id: str = Field(
        default="",
        description="The id of an access key that may only read uploads; links signed with this"
        " key can last for 7 days, if the bucket keeps versions. Otherwise a link expires together"
        " with the server's own credentials.",
    )
    share_access_key_secret: SecretStr | None = Field(
        default=None, description="The secret of `OSSFERRY_SHARE_ACCESS_KEY_ID`."
    )
    link_origin: Origin | None = Field(
        default=None,
        description="A custom domain of the bucket (CNAME) for links and previews, such as"
        " `https://files.example.net`; by default the first custom domain in `OSSFERRY_ENDPOINT`"
        " and `OSSFERRY_UPLOAD_HOSTS`. On OSS's default domain, browsers download every file and"
        " display none.",
    )
    undo: Undo = Field(
        default="trash",
        description="How a person can restore a deleted upload. `trash`: the server copies it"
        " below `trash/` before it deletes it; `versions`: the bucket keeps versions; `off`:"
        " deleted uploads cannot be restored.",
    )
    undo_s: int = Field(
        default=86400,
        ge=60,
        description="How many seconds a deleted upload can be restored; at most 604,800 (7 days)"
        " if deleted or refused uploads are kept below `trash/`.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="The ledger's database: `postgresql://user:password@host/name` (add"
        " `?sslmode=verify-full` for a database on another machine) or `sqlite:///path`."
        " PostgreSQL needs the extra `postgresql`. If"
        " `OSSFERRY_OBJECTS_ROLE_ARN` is set, the default is `ossferry.db` in the working"
        " directory.",
    )
    quota_bytes_day: int | None = Field(
        default=None, ge=0, description="How many bytes one principal may upload per day (UTC)."
    )
    quota_objects_day: int | None = Field(
        default=None, ge=0, description="How many files one principal may upload per day (UTC)."
    )
    quota_bytes_total: int | None = Field(
        default=None, ge=0, description="How many bytes one principal may have stored."
    )
    quota_objects_total: int | None = Field(
        default=None, ge=0, description="How many files one principal may have stored."
    )
    reconcile_s: float = Field(
        default=60.0,
        ge=1,
        le=300,
        description="Interval in seconds at which the server searches for uploads without a"
        " receipt, among the uploads of people who hold credentials.",
    )
    settle_s: float = Field(
        default=120.0,
        ge=0,
        le=600,
        description="How many seconds the server waits for the page to confirm or refuse an"
        " upload, before it records the upload without a receipt.",
    )
    refused: Refused = Field(
        default="remove",
        description="What the server does with an upload whose checksum the page refused."
        " `remove`: deletes the bytes; `trash`: keeps them below `trash/` for `OSSFERRY_UNDO_S`"
        " and counts them in the quota.",
    )
    skip_identical: bool = Field(
        default=False,
        description="The page computes the CRC-64 of each file before it sends the file, and skips"
        " a file that is already stored under the same name and folders.",
    )
    callback: bool = Field(
        default=False, description="Accept upload callbacks of OSS at `/api/callback`."
    )
    webhook_url: str = Field(
        default="", description="The address that receives events, `https://host/path`."
    )
    webhook_secret: WebhookSecret | None = Field(
        default=None,
        description="The secret that signs events for `OSSFERRY_WEBHOOK_URL`; best `whsec_`"
        " followed by the base64 of 32 random bytes.",
    )
    admins: tuple[str, ...] = Field(
        default=(), description="Ids of the principals who may read `/admin`, as a JSON list."
    )
    secret: LongSecret = Field(
        description="At least 32 random characters; the key for the hashes in prefixes, logs, API"
        " keys and sessions. If you change it, everybody gets a new prefix."
    )
    session_duration_s: int = Field(
        default=900,
        ge=900,
        le=3600,
        description="Lifetime of the page's credentials in seconds, from 15 minutes, the shortest"
        " that STS allows, to an hour. Credentials cannot be revoked before they expire.",
    )
    grant: GrantKind = Field(
        default="sts",
        description="What the page gets. `sts`: temporary credentials, for uploads in parts that"
        " can resume. `form`: a signed form and no credentials. OSS then enforces the size and the"
        " content type of each file; a file is sent in one request of up to 5 GB, and starts again"
        " after an interruption.",
    )
    actions: tuple[Action, ...] = Field(
        default=UPLOAD_ACTIONS,
        min_length=1,
        description="The actions that the credentials allow below the prefix, as a JSON list."
        " Forms always get `oss:PutObject` only.",
    )
    bind_address: bool = Field(
        default=False,
        description="Credentials work only from the IP address that requested them"
        " (`acs:SourceIp`). Leave this off if people reach OSS from another address than this"
        " server.",
    )
    sts_timeout_s: float = Field(
        default=3.0,
        gt=0,
        le=30,
        description="How many seconds the server waits for an answer of STS.",
    )
    sts_calls_per_s: int = Field(
        default=75,
        ge=1,
        le=95,
        description="Highest number of calls to STS per second; Alibaba Cloud allows 100 per"
        " account.",
    )
    api_keys_file: Path | None = Field(
        default=None,
        description="The file in which `ossferry apikey` stores the hashes of API keys.",
    )
    jwt_issuer: str = Field(default="", description="The `iss` of accepted bearer tokens.")
    jwt_audience: str = Field(default="", description="The `aud` of accepted bearer tokens.")
    jwt_jwks_url: str = Field(
        default="", description="The address at which the issuer publishes its keys."
    )
    jwt_algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256", "ES256"),
        min_length=1,
        description="Accepted signature algorithms, as a JSON list.",
    )
    oidc_issuer: str = Field(
        default="",
        description="The issuer address of the OpenID provider, spelled exactly as the provider"
        " spells it.",
    )
    oidc_client_id: str = Field(
        default="", description="The server's client id at the OpenID provider."
    )
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="The server's client secret at the OpenID provider."
    )
    sign_in_url: SignInUrl | None = Field(
        default=None,
        description="With `OSSFERRY_AUTH=app`, the address of the application's sign-in page, such"
        " as `/sign-in?next={return}`. The server puts the address of its own page in place of"
        " `{return}`: a path, or a complete address if this setting is one. The page then sends"
        " people to this address to sign in.",
    )
    login_idle_s: int = Field(
        default=3600, ge=60, description="A session ends after this many seconds without a request."
    )
    login_max_s: int = Field(
        default=43200,
        ge=60,
        description="A session ends after this many seconds, even if it is in use.",
    )
    allow_private_issuer: bool = Field(
        default=False,
        description="Allow private IP addresses for `OSSFERRY_JWT_JWKS_URL`, the OpenID provider's"
        " pages and `OSSFERRY_WEBHOOK_URL`.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="A file of certificates (PEM) of private certificate authorities, which the"
        " server trusts for `OSSFERRY_JWT_JWKS_URL`, the OpenID provider and"
        " `OSSFERRY_WEBHOOK_URL`, in addition to the public ones. `SSL_CERT_FILE` has no effect.",
    )
    proxy_secret: LongSecret | None = Field(
        default=None,
        description="The secret that the proxy must send in `X-Proxy-Secret`; without it the"
        " server ignores the identity that the proxy sends.",
    )
    proxy_user_header: HeaderName = Field(
        default="x-forwarded-user",
        description="The header in which the proxy sends the id of the signed-in person.",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(IPv4Network("127.0.0.1/32"), IPv6Network("::1/128")),
        description="Networks of trusted proxies, as a JSON list. The server accepts"
        " `X-Forwarded-For`, `X-Forwarded-Proto` and, with `OSSFERRY_AUTH=proxy`, identities only"
        " from these networks.",
    )
    frame_origins: FrameOrigins = Field(
        default={},
        description="Other origins whose pages may embed the upload page, as a JSON list, or as a"
        " JSON object with a level for each origin. `counts`, the level of a list: the other page"
        " learns numbers of files and bytes only. `results`: it also learns names, keys and"
        " checksums, adds files, sets options, and sends tokens that identify the person.",
    )
    cors_origins: tuple[Origin, ...] = Field(
        default=(),
        description="Other origins whose pages may call the API with a bearer token, as a JSON"
        " list.",
    )
    rate_per_principal: Rate = Field(
        default="120/minute", description="Highest rate of requests of one principal."
    )
    rate_per_address: Rate = Field(
        default="600/minute",
        description="Highest rate of requests of one IP address; an IPv6 address counts as its /64"
        " network.",
    )
    rate_objects: Rate = Field(
        default="6000/minute",
        description="Highest rate of requests of one principal about uploads, and highest rate of"
        " reports in batches of receipts.",
    )
    rate_global: Rate = Field(
        default="5000/second", description="Highest rate of requests of all clients together."
    )
    rate_renewals: Rate = Field(
        default="20/minute",
        description="Highest rate of calls to STS that one principal causes by reporting that OSS"
        " refused their credentials.",
    )
    rate_failures: Rate = Field(
        default="30/minute",
        description="Highest rate of failed identifications per IP address or key id; people who"
        " can prove their identity are let in anyway.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="Redis, which several processes need to share limits, grants and sessions;"
        " without it they are in memory. Redis needs the extra `redis`. Sign-outs are"
        " stored in the ledger. Without a ledger, sessions end when Redis loses its data or,"
        " without Redis, when the process ends.",
    )
    max_file_size: int = Field(
        default=MAX_OBJECT_SIZE,
        ge=1,
        description="The largest file that the page accepts, in bytes.",
    )
    max_files: int = Field(
        default=10_000, ge=1, description="The highest number of files that can wait in the page."
    )
    allowed_types: tuple[FileType, ...] = Field(
        default=(),
        description="The file types that the page accepts, as a JSON list of values for HTML's"
        ' `accept`: `["image/*", "application/pdf", ".csv"]`; by default all types. With'
        " `OSSFERRY_GRANT=form`, OSS checks the content type; otherwise only the page does.",
    )
    encrypt_public_key: Path | None = Field(
        default=None,
        description="The file of an RSA public key (PEM, 2,048 to 4,096 bits). The page then"
        " encrypts each file before it is sent, as the encryption clients of OSS's SDKs do; only"
        " who has the private key can read the files."
        " `/form` and `POST /api/form` are off, and `OSSFERRY_SKIP_IDENTICAL` has no effect.",
    )
    encrypt_description: Description = Field(
        default=None,
        description="The name of the key pair, which is stored with each file (`matdesc` of the"
        ' SDKs), as a JSON object of texts, such as `{"key": "2027"}`. The SDKs find the private'
        " key by it, if there are several.",
    )
    runtime: Runtime = Field(
        default="micropython",
        description="The interpreter that runs the page's main thread. `pyodide` needs"
        " the extra `pyodide`.",
    )
    allow_runtime_query: bool = Field(
        default=False,
        description="Let `?runtime=` in the page's address choose the interpreter; meant for the"
        " demo.",
    )
    web_dir: Path | None = Field(
        default=None,
        description="The folder of the built page; by default the one in the package or checkout.",
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on.")
    public_url: Origin | None = Field(
        default=None, description="The address of this server for browsers, `https://host`."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost"),
        description="The host names under which the server answers, as a JSON list. Only"
        " `/healthz`, `/readyz` and `/metrics` answer under any host name, because probes and"
        " Prometheus use IP addresses.",
    )
    behind_tls: bool = Field(
        default=False,
        description="Set this if a proxy in front of the server handles TLS; needed to listen on"
        " an address beyond loopback.",
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="Number of processes; more than one needs Redis."
    )
    limit_concurrency: int = Field(
        default=1000,
        ge=1,
        description="Highest number of requests at the same time; the server answers further"
        " requests with 503. One principal may use a tenth of it for requests about uploads.",
    )
    limit_connections: int = Field(
        default=4000, ge=1, description="Highest number of open connections of one process."
    )
    read_timeout_s: float = Field(
        default=10.0,
        gt=0,
        le=120,
        description="How many seconds a client may take to send a request.",
    )
    drain_s: float = Field(
        default=5.0,
        ge=0,
        le=60,
        description="How many seconds the server still accepts connections after `SIGTERM`;"
        " meanwhile `/readyz` answers 503, and each answer has `Connection: close`. Without"
        " connections the server stops earlier.",
    )
    metrics_token: LongSecret | None = Field(
        default=None,
        description="The bearer token for `/metrics`; without it there is no `/metrics`.",
    )
    tracing: bool = Field(
        default=False,
        description="Send OpenTelemetry spans of grants and calls to STS to the collector that"
        " `OTEL_EXPORTER_OTLP_ENDPOINT` names; needs the extra `otel`.",
    )
    audit_file: Path | None = Field(
        default=None,
        description="The file for audit lines of the server and of commands such as `ossferry"
        " apikey`. By default those of the server go to its log on stderr, and commands write"
        " none.",
    )
    log_level: Level = Field(default="INFO", description="The lowest level that is logged.")
    allow_mock: bool = Field(
        default=False,
        description="Use a mock OSS and STS on this machine; the server does not start if one of"
        " them is elsewhere. With this option the server may call this machine over plain http,"
        " and the demo may be served over plain http.",
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
        """The addresses of the bucket, derived from the options."""
        return Addresses(
            bucket=self.bucket,
            endpoint=self.endpoint,
            cname=self.cname,
            upload_hosts=self.upload_hosts,
            link_origin=self.link_origin,
            endpoint_suffixes=self.endpoint_suffixes,
            allow_mock=self.allow_mock,
        )

    def own_origins(self, port: int) -> tuple[str, ...]:
        """Return the addresses at which browsers reach this server: the public one, if it is known.

        Args:
            port: the port that the server listens on.
        """
        if self.public_url:
            return (self.public_url,)
        scheme, end = ("https", "") if self.behind_tls else ("http", f":{port}")
        return tuple(f"{scheme}://{host}{end}" for host in self.allowed_hosts)

    @property
    def bucket_origin(self) -> str:
        """The address of the bucket at the configured endpoint."""
        return self.addresses.bucket_origin

    @property
    def upload_origins(self) -> tuple[str, ...]:
        """All addresses to which browsers may upload, in order of preference."""
        return self.addresses.upload_origins

    @property
    def form_address(self) -> str:
        """The address to which browsers send forms."""
        return self.addresses.form_address

    @property
    def links_address(self) -> str:
        """The address of the bucket in share links and previews."""
        return self.addresses.links_address

    @property
    def sts_address(self) -> str:
        """The address of STS, ``scheme://host[:port]``."""
        return self.sts_endpoint or f"https://sts.{self.region}.aliyuncs.com"

    @property
    def objects_address(self) -> str:
        """The address of OSS for the server's own requests, ``scheme://host[:port]``."""
        return self.objects_endpoint or self.endpoint

    @property
    def objects_by_cname(self) -> bool:
        """True if the server's own requests go to a custom domain of the bucket."""
        return self.cname and self.objects_address == self.endpoint

    @property
    def ledger_url(self) -> str:
        """The URL of the ledger's database."""
        url = self.database_url
        return "sqlite:///ossferry.db" if url is None else url.get_secret_value()

    @property
    def secret_bytes(self) -> bytes:
        """The option `secret` as bytes; this is the key for keyed hashes."""
        return self.secret.get_secret_value().encode()

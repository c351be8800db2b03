"""The options of the server, each validated alone, and addresses that are computed from them."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from ossferry.settings import choices, types
from ossferry.settings.addresses import SUFFIX, host_of, is_mock_endpoint, with_bucket
from ossferry.settings.checks import CheckSettings


class Options(CheckSettings):
    """The options of `ossferry serve`; the subclass `Settings` also validates their combinations.

    Each option is set by the environment variable `OSSFERRY_` + the option's name in capitals.
    """

    auth: types.Methods = Field(default=("demo",), min_length=1)
    """How the server identifies people: one word, or a JSON list such as `["oidc", "apikey"]`.
    `demo`: a cookie that selects Alice or Bob; starts only with a mock. `apikey`, `jwt`, `oidc`,
    `proxy`, `app`: see [production.md](production.md#3-who-may-upload).
    """

    bucket: types.BucketName
    """The bucket that stores the uploads."""

    region: types.Region
    """The bucket's region without `oss-`, such as `cn-hangzhou`."""

    endpoint: types.Origin
    """The public OSS endpoint, such as `https://oss-cn-hangzhou.aliyuncs.com`; browsers send files
    to `BUCKET.` + this host. With `OSSFERRY_CNAME=1`, a custom domain of the bucket.
    """

    cname: bool = False
    """`OSSFERRY_ENDPOINT` is a custom domain that is bound to the bucket, see
    [custom-domain.md](custom-domain.md).
    """

    upload_hosts: tuple[types.Origin, ...] = ()
    """More addresses of the bucket, best first: endpoints without the bucket, such as
    `https://oss-accelerate.aliyuncs.com`, and custom domains. `OSSFERRY_ENDPOINT` comes first
    unless it is in the list.
    """

    sts_endpoint: types.Origin | None = None
    """By default `https://sts.REGION.aliyuncs.com`."""

    role_arn: types.RoleArn
    """The RAM role for the page's credentials, `acs:ram::ACCOUNT:role/NAME`."""

    objects_role_arn: types.RoleArn | None = None
    """The RAM role with which the server reads, lists and deletes uploads; without it there are no
    receipts.
    """

    objects_endpoint: types.Origin | None = None
    """The OSS endpoint for the server's own requests, such as the internal one; by default
    `OSSFERRY_ENDPOINT`.
    """

    share_access_key_id: str = ""
    """An access key that may only read uploads, for presigned links of up to 7 days."""

    share_access_key_secret: SecretStr | None = None
    """The secret of `OSSFERRY_SHARE_ACCESS_KEY_ID`."""

    link_origin: types.Origin | None = None
    """A custom domain of the bucket for links and previews; by default the first one in
    `OSSFERRY_ENDPOINT` and `OSSFERRY_UPLOAD_HOSTS`, and no previews of PDF.
    """

    undo: choices.Undo = "trash"
    """How a person can restore a deleted upload: `trash`, from a copy below `trash/`; `versions`,
    which the bucket keeps; `off`, not at all.
    """

    undo_s: int = Field(default=86400, ge=60)
    """How long a deleted upload can be restored; at most 604,800 (7 days) below `trash/`."""

    database_url: SecretStr | None = None
    """The ledger: `postgresql://user:password@host/name` (needs the extra `postgresql`; add
    `?sslmode=verify-full` for another machine) or `sqlite:///path`; with
    `OSSFERRY_OBJECTS_ROLE_ARN`, by default `ossferry.db` in the working directory.
    """

    quota_bytes_day: int | None = Field(default=None, ge=0)
    """Bytes that one principal may upload per day (UTC)."""

    quota_objects_day: int | None = Field(default=None, ge=0)
    """Files that one principal may upload per day (UTC)."""

    quota_bytes_total: int | None = Field(default=None, ge=0)
    """Bytes that one principal may have stored."""

    quota_objects_total: int | None = Field(default=None, ge=0)
    """Files that one principal may have stored."""

    skip_identical: bool = False
    """The page skips a file that is already stored under the same name and folders."""

    details: str = Field(default="", pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$")
    """The pydantic model of what people say about each file, `module:Model`, see
    [details.md](details.md).
    """

    requests: bool = False
    """People can [ask guests for files](requests.md) by a link."""

    record: tuple[choices.Recorded, ...] = ()
    """What people can [record](page.md#recording) in the page: `["camera", "sound", "screen"]`;
    camera and screen have sound only with `sound`.
    """

    callback: bool = False
    """Accept upload callbacks of OSS at `/api/callback`, and let the page ask OSS for them if
    `OSSFERRY_PUBLIC_URL` is set.
    """

    webhook_url: str = ""
    """The address that receives events, `https://host/path`."""

    webhook_secret: types.WebhookSecret | None = None
    """Signs these events; best `whsec_` followed by the base64 of 32 random bytes."""

    release: choices.Release = "uploaded"
    """When others can read an upload: as soon as it is `uploaded`, or when `ossferry scan` has
    `checked` it, see [scanning.md](scanning.md).
    """

    clamd: types.Clamd = ""
    """The socket of clamd, `/run/clamav/clamd.ctl` or `host:port`."""

    scanner_url: types.ScannerUrl = ""
    """Another scanner, `https://host/path`; `http` for names without a dot."""

    unscannable: choices.Unscannable = "hold"
    """`hold` files that no scanner can look into, such as encrypted archives, or `release` them
    with a mark.
    """

    held_s: int = Field(default=604_800, ge=60)
    """How long a bad upload stays for `/admin` and `ossferry held`."""

    admins: tuple[str, ...] = ()
    """Ids of the principals who may read `/admin`."""

    secret: types.LongSecret
    """At least 32 random characters: the key for the hashes in prefixes, logs, API keys and
    sessions. If you change it, everybody gets a new prefix.
    """

    session_duration_s: int = Field(default=900, ge=900, le=3600)
    """Lifetime of the page's credentials, 900 to 3600."""

    grant: choices.GrantKind = "sts"
    """`sts`: temporary credentials, for uploads in parts that can resume. `form`: a signed form,
    with which OSS enforces size and type, see
    [production.md](production.md#forms-instead-of-credentials).
    """

    actions: tuple[choices.Action, ...] = Field(default=choices.UPLOAD_ACTIONS, min_length=1)
    """What the credentials allow below the prefix."""

    bind_address: bool = False
    """Credentials work only from the IP address that requested them; leave this off if people reach
    OSS from another address.
    """

    sts_calls_per_s: int = Field(default=75, ge=1, le=95)
    """Highest number of calls to STS per second; an account may make 100."""

    api_keys_file: Path | None = None
    """The file in which `ossferry apikey` stores hashes of keys."""

    jwt_issuer: str = ""
    """The `iss` of accepted bearer tokens."""

    jwt_audience: str = ""
    """The `aud` of accepted bearer tokens."""

    jwt_jwks_url: str = ""
    """Where the issuer publishes its keys."""

    oidc_issuer: str = ""
    """The issuer of the OpenID provider, exactly as the provider spells it."""

    oidc_client_id: str = ""
    """The server's id at the provider."""

    oidc_client_secret: SecretStr | None = None
    """The server's secret at the provider."""

    sign_in_url: types.SignInUrl | None = None
    """With `OSSFERRY_AUTH=app`, your sign-in page, such as `/sign-in?next={return}`; `{return}`
    becomes the path of the server's page, or its address if this setting is one.
    """

    login_idle_s: int = Field(default=3600, ge=60)
    """A session ends after this many seconds without a request."""

    login_max_s: int = Field(default=43200, ge=60)
    """A session ends after this many seconds, even if it is in use."""

    allow_private_issuer: bool = False
    """Allow private IP addresses for `OSSFERRY_JWT_JWKS_URL`, the OpenID provider and
    `OSSFERRY_WEBHOOK_URL`.
    """

    ca_file: Path | None = None
    """Certificates (PEM) of private authorities that the server also trusts at the addresses of
    `OSSFERRY_ALLOW_PRIVATE_ISSUER`. `SSL_CERT_FILE` has no effect.
    """

    proxy_secret: types.LongSecret | None = None
    """The secret that the proxy must send in `X-Proxy-Secret`."""

    proxy_user_header: types.HeaderName = "x-forwarded-user"
    """The header in which the proxy sends the id of the signed-in person."""

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = (
        IPv4Network("127.0.0.1/32"),
        IPv6Network("::1/128"),
    )
    """Networks of the proxies from which the server accepts `X-Forwarded-For`, `X-Forwarded-Proto`
    and, with `OSSFERRY_AUTH=proxy`, identities.
    """

    frame_origins: types.FrameOrigins = Field(default={})
    """Origins whose pages may embed the upload page: a list, or an object with a level for each,
    `counts` or `results`, see [embedding.md](embedding.md#into-another-sites-page).
    """

    cors_origins: tuple[types.Origin, ...] = ()
    """Origins whose pages may call the API with a bearer token."""

    rate_per_principal: types.Rate = "120/minute"
    """Highest rate of requests of one principal."""

    rate_per_address: types.Rate = "600/minute"
    """Highest rate of requests of one IP address, or one /64 network of IPv6."""

    redis_url: SecretStr | None = None
    """Redis, for several processes; needs the extra `redis`. Without a ledger, sessions end when
    Redis loses its data, or without Redis when the process ends.
    """

    max_file_size: int = Field(default=types.MAX_OBJECT_SIZE, ge=1)
    """The largest file in bytes."""

    max_files: int = Field(default=10_000, ge=1)
    """How many files can wait in the page."""

    limits: types.MoreLimits = types.MoreLimits()
    """More limits, such as `{"min_file_size": 1, "min_files": 3}`: `min_file_size` and
    `max_total_size`, of all files of the page, in bytes; `min_files`, without which no file is
    sent. [Who enforces them](page.md#who-enforces-the-limits).
    """

    allowed_types: tuple[types.FileType, ...] = ()
    """Allowed file types, as in `accept` of HTML: `["image/*", "application/pdf", ".csv"]`; by
    default all. [Who checks them](page.md#who-enforces-the-limits).
    """

    encrypt_public_key: Path | None = None
    """The file of an RSA public key (PEM, 2,048 to 4,096 bits), with which the page encrypts each
    file, see [encryption.md](encryption.md).
    """

    encrypt_description: types.Description = None
    """The name of the key pair, stored with each file (`matdesc` of the SDKs): an object of texts,
    such as `{"key": "2027"}`.
    """

    runtime: choices.Runtime = "micropython"
    """The interpreter of the page, `micropython` or `pyodide` (needs the extra `pyodide`)."""

    web_dir: Path | None = None
    """The folder of the built page; by default the one in the package or checkout."""

    host: str = "127.0.0.1"
    """The address to listen on."""

    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on."""

    public_url: types.Origin | None = None
    """The address of this server for browsers, `https://host`."""

    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """The host names of the server; `/healthz`, `/readyz` and `/metrics` answer under any."""

    behind_tls: bool = False
    """A proxy in front of the server handles TLS; needed to listen beyond loopback."""

    workers: int = Field(default=1, ge=1, le=64)
    """Number of processes; more than one needs Redis."""

    drain_s: float = Field(default=5.0, ge=0, le=60)
    """How long the server still accepts connections after `SIGTERM`, while `/readyz` answers 503.
    """

    metrics_token: types.LongSecret | None = None
    """The bearer token for `/metrics`, which is off without it."""

    audit_file: Path | None = None
    """The file for audit lines; by default the server's go to its log, and commands write none."""

    log_level: choices.Level = "INFO"
    """The lowest level that is logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`."""

    allow_mock: bool = False
    """Use a mock OSS and STS, over plain http; both must be on this machine."""

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_are_exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or not all(types.HOST_NAME.fullmatch(host) for host in value):
            raise ValueError("must list host names without wildcards or ports")
        return tuple(host.lower() for host in value)

    def own_origins(self, port: int) -> tuple[str, ...]:
        """Return the origins at which browsers reach this server.

        If the settings have a public URL, this is the only origin. Otherwise, the result has one
        origin for each allowed host name.

        Args:
            port: the port that the server listens on; not used with a public URL or behind a TLS
                proxy.
        """
        if self.public_url:
            return (self.public_url,)
        scheme, end = ("https", "") if self.behind_tls else ("http", f":{port}")
        return tuple(f"{scheme}://{host}{end}" for host in self.allowed_hosts)

    @property
    def bucket_origin(self) -> str:
        """The address of the bucket at the configured endpoint, `scheme://host[:port]`."""
        return self.endpoint if self.cname else with_bucket(self.endpoint, self.bucket)

    @property
    def upload_origins(self) -> tuple[str, ...]:
        """All origins of the bucket to which browsers may upload, in order of preference."""
        hosts = tuple(
            with_bucket(each, self.bucket)
            if self.is_endpoint(each) and not host_of(each).startswith(f"{self.bucket}.")
            else each
            for each in self.upload_hosts
        )
        return hosts if self.bucket_origin in hosts else (self.bucket_origin, *hosts)

    def is_endpoint(self, address: str) -> bool:
        """Return whether an address is an endpoint of Alibaba Cloud, or of a mock that is allowed.

        A custom domain of the bucket is not an endpoint.
        """
        name = host_of(address)
        return name.endswith(SUFFIX) or (self.allow_mock and is_mock_endpoint(name, self.bucket))

    @property
    def form_address(self) -> str:
        """The address of the bucket to which browsers send upload forms.

        A custom domain is preferred, because OSS endpoints do not accept forms for every account.
        Unlike the page, a form cannot try a second address after a failure.
        """
        custom = (each for each in self.upload_origins if not self.is_endpoint(each))
        return next(custom, self.upload_origins[0])

    @property
    def links_address(self) -> str:
        """The address of the bucket in share links and in URLs of previews."""
        if self.link_origin:
            return self.link_origin
        custom = [self.endpoint] if self.cname else []
        custom += [each for each in self.upload_hosts if not self.is_endpoint(each)]
        return next(iter(custom), self.bucket_origin)

    @property
    def sts_address(self) -> str:
        """The address of STS, `scheme://host[:port]`."""
        return self.sts_endpoint or f"https://sts.{self.region}.aliyuncs.com"

    @property
    def ram_address(self) -> str:
        """The address of RAM for the kill switch: a mock's is that of STS."""
        return self.sts_address if self.allow_mock else "https://ram.aliyuncs.com"

    @property
    def has_scanner(self) -> bool:
        """Whether the settings name a scanner."""
        return bool(self.clamd or self.scanner_url)

    @property
    def objects_address(self) -> str:
        """The address of OSS for the server's own requests, `scheme://host[:port]`."""
        return self.objects_endpoint or self.endpoint

    @property
    def objects_by_cname(self) -> bool:
        """Whether the server's own requests go to a custom domain of the bucket."""
        return self.cname and self.objects_address == self.endpoint

    @property
    def ledger_url(self) -> str:
        """The URL of the ledger's database; by default an SQLite file in the working directory."""
        url = self.database_url
        return "sqlite:///ossferry.db" if url is None else url.get_secret_value()

    @property
    def secret_bytes(self) -> bytes:
        """The option `secret` as bytes, which are the key for keyed hashes."""
        return self.secret.get_secret_value().encode()

"""All probes of `ossferry doctor`, in their order, with the earlier probes that each one needs."""

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import httpx

from ossferry.clock import Clock, utc_now
from ossferry.diagnosis.findings import Finding, Outcome
from ossferry.diagnosis.probes import Probe, run_probes
from ossferry.doctor import account, bucket_settings, machine, outside
from ossferry.doctor.server import CreateApp, Server
from ossferry.doctor.sign_in import probe_sign_in
from ossferry.doctor.start import probe_checks, probe_start
from ossferry.observability.redaction import Redactor
from ossferry.oss.bucket import TIMEOUT_S
from ossferry.settings.model import Settings
from ossferry.settings.secrets import secret_values

Run: TypeAlias = Callable[[Server], Awaitable[Finding]]

PROBES: Sequence[tuple[str, str, str]] = (
    ("sts", "STS answers", ""),
    ("clock", "this machine's clock agrees with that of STS", "sts"),
    ("credentials", "the server has credentials of its own, and STS accepts them", "clock"),
    ("role", "STS issues credentials of the role for uploads", "credentials"),
    ("tls", "browsers accept the certificates of the bucket's addresses; none ends soon", ""),
    ("page-tls", "browsers accept the certificate of the page, and it does not end soon", ""),
    ("endpoint", "every address of the bucket answers and serves this account", "tls"),
    ("oss-clock", "this machine's clock agrees with that of OSS", "clock endpoint"),
    ("bucket", "the bucket exists", "endpoint"),
    ("region", "the bucket is in the configured region", "credentials oss-clock bucket"),
    ("upload", "the credentials of a grant can upload; the test upload is removed", "role region"),
    ("session-policy", "the credentials of a grant cannot write below another prefix", "upload"),
    ("role-scope", "the role for uploads has no more rights than it needs", "upload"),
    ("objects-role", "the server's own role can list, read, copy and delete uploads", "upload"),
    ("cors", "the bucket's CORS rules allow the page's requests", "bucket"),
    ("cors-headers", "the page can read the headers of the answers", "cors"),
    ("forms", "every address of the bucket takes forms", "upload cors-headers"),
    ("public-access", "strangers cannot read or write objects", "bucket"),
    ("public-access-block", "Block Public Access is on", "region"),
    ("lifecycle", "lifecycle rules delete abandoned parts and trash", "region"),
    ("domains", "the custom domains in the settings are bound to the bucket", "region"),
    ("public-endpoint", "says whether this account may use the public endpoint", "region"),
    ("storage", "Redis answers", ""),
    ("ledger", "the database answers, has the newest tables, and can be written", ""),
    ("audit", "the audit trail can be written", ""),
    ("sandbox", "the checks run without network and without other files", ""),
    ("clamd", "clamd answers, has new signatures, and says what it cannot look into", ""),
    ("scanner", "`ossferry scan` looks at the uploads that wait", "ledger"),
    ("start", "the server starts with these settings", "storage ledger audit"),
    ("sign-in", "people and programs can prove who they are", "start"),
    ("checks", "the checks of files can run, and the model of tables fits its options", "start"),
)
"""For each probe its id, the statement that it tests, and the ids of the probes that it needs."""


RUNS: Mapping[str, Run] = {
    "sts": lambda server: server.time.probe_answer(),
    "clock": lambda server: server.time.probe_clock(),
    "credentials": account.probe_credentials,
    "role": account.probe_role,
    "tls": outside.probe_tls,
    "page-tls": outside.probe_page_tls,
    "endpoint": outside.probe_endpoint,
    "oss-clock": outside.probe_clock,
    "bucket": outside.probe_bucket,
    "region": bucket_settings.probe_region,
    "upload": account.probe_upload,
    "session-policy": account.probe_session_policy,
    "role-scope": account.probe_role_scope,
    "objects-role": account.probe_objects_role,
    "cors": outside.probe_cors,
    "cors-headers": outside.probe_exposed_headers,
    "forms": account.probe_forms,
    "public-access": outside.probe_public_access,
    "public-access-block": bucket_settings.probe_block_public_access,
    "lifecycle": bucket_settings.probe_lifecycle,
    "domains": bucket_settings.probe_domains,
    "public-endpoint": outside.probe_public_endpoint,
    "storage": machine.probe_storage,
    "ledger": machine.probe_ledger,
    "audit": machine.probe_audit,
    "sandbox": machine.probe_sandbox,
    "clamd": machine.probe_clamd,
    "scanner": machine.probe_scanner,
    "start": probe_start,
    "sign-in": probe_sign_in,
    "checks": probe_checks,
}
"""The function that runs each probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The result of one probe, as `ossferry doctor` prints it.

    Attributes:
        id: the name of the probe.
        about: the statement that the probe tests.
        outcome, reason, fix: as in `Finding`.
    """

    id: str
    about: str
    outcome: Outcome
    reason: str
    fix: str


async def examine(
    settings: Settings,
    *,
    create_app: CreateApp,
    on_row: Callable[[Row], None],
    clock: Clock = utc_now,
) -> Sequence[Row]:
    """Run all probes of `ossferry doctor`, and return one row for each, without secrets.

    Args:
        create_app: creates the application as the command `serve` does, or raises a `SettingsError`
            if the command refuses the settings.
        on_row: called with each row, in the order of the probes, as soon as it is known.
    """
    abouts = {id_: about for id_, about, _ in PROBES}
    rows: list[Row] = []

    def note(id_: str, found: Finding) -> None:
        own = server.own
        secrets = (*secret_values(settings), own.access_key_secret, own.security_token)
        hide = Redactor(secrets)
        row = Row(
            id=id_,
            about=abouts[id_],
            outcome=found.outcome,
            reason=hide(found.reason),
            fix=hide(found.fix),
        )
        rows.append(row)
        on_row(row)

    with _mock_as_proxy(settings):
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            server = Server(settings, client, clock, create_app)
            with closing(server.sdk):
                await run_probes(_probes(server), on_found=note)
    return rows


def is_healthy(rows: Sequence[Row]) -> bool:
    """Return whether no probe failed; warnings and skipped probes do not count."""
    return all(row.outcome is not Outcome.FAIL for row in rows)


@contextmanager
def _mock_as_proxy(settings: Settings) -> Iterator[None]:
    """Send plain HTTP requests through the mock, if one is allowed.

    Not every system resolves names below `localhost`, but a mock knows its buckets by them. If the
    mock does not answer at the address of STS, the addresses of OSS cannot be checked.
    """
    proxy = {"http_proxy": settings.sts_address, "no_proxy": ""} if settings.allow_mock else {}
    wanted = {**proxy, **{name.upper(): value for name, value in proxy.items()}}
    before = {name: os.environ.pop(name, None) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


def _probes(server: Server) -> Sequence[Probe]:
    """Return all probes; with a mock, addresses of OSS need STS, see `_mock_as_proxy`."""
    more = {"endpoint": ("sts",)} if server.settings.allow_mock else {}
    return [
        Probe(id=id_, run=partial(RUNS[id_], server), needs=(*needs.split(), *more.get(id_, ())))
        for id_, _, needs in PROBES
    ]

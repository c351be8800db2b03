"""`ossferry doctor` names the one fault of a set-up that is broken in one place."""

import asyncio
import json
import os
import pwd
import re
import shlex
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_credentials.utils import auth_util

from mock_oss import BUCKET, BucketSpec, MockOSS, Role, User, World
from ossferry.cli.demo import OBJECTS_ROLE, SERVER, VERSIONS_ROLE
from ossferry.cli.doctor import shown
from ossferry.cli.main import main
from ossferry.diagnosis.findings import Outcome
from ossferry.doctor.examination import PROBES, Row
from ossferry.extras import install_command
from ossferry.ledger.database import check_ledger
from ossferry.oss.cors_rule import EXPOSED_HEADERS, METHODS
from support import commands
from support.certificates import make_certificate
from support.commands import Ran
from support.fake_issuer import FakeIssuer
from support.postgres import Postgres
from support.programs import free_port
from support.serve_command import COMMAND
from support.server_fakes import NO_KEYS

ROOT = Path(__file__).parents[3]
PAGE_TEXT = (ROOT / "docs/doctor.md").read_text("utf-8")
PAGE = "http://uploads.localhost:8000"
HOST = "oss-cn-hangzhou.localhost"
ACCOUNT = "1000000000000000"
KEY_ID, KEY_SECRET = next(iter(SERVER.keys.items()))
SECRET = "a-text-of-more-than-32-characters"

ALLOWED = "".join(f"<AllowedMethod>{name}</AllowedMethod>" for name in METHODS)
EXPOSED = "".join(f"<ExposeHeader>{name}</ExposeHeader>" for name in EXPOSED_HEADERS)
CORS = (
    f"<CORSConfiguration><CORSRule><AllowedOrigin>{PAGE}</AllowedOrigin>{ALLOWED}"
    f"<AllowedHeader>*</AllowedHeader>{EXPOSED}</CORSRule></CORSConfiguration>"
)
LIFECYCLE = (
    "<LifecycleConfiguration><Rule><ID>parts</ID><Prefix>uploads/</Prefix><Status>Enabled</Status>"
    "<AbortMultipartUpload><Days>1</Days></AbortMultipartUpload></Rule>"
    "<Rule><ID>held</ID><Prefix>incoming/</Prefix><Status>Enabled</Status>"
    "<AbortMultipartUpload><Days>1</Days></AbortMultipartUpload></Rule>"
    "<Rule><ID>trash</ID><Prefix>trash/</Prefix><Status>Enabled</Status>"
    "<Expiration><Days>8</Days></Expiration></Rule></LifecycleConfiguration>"
)


def template(name: str) -> str:
    """Return a policy of deploy/ram for the mock."""
    return over_http((ROOT / f"deploy/ram/{name}.json").read_text())


def over_http(text: str) -> str:
    """Return a policy without its statements about https; the mock speaks http."""
    policy = json.loads(text)
    kept = [each for each in policy["Statement"] if "SecureTransport" not in json.dumps(each)]
    return json.dumps({**policy, "Statement": kept})


def trusting(arn: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [arn]}}
    return json.dumps({"Version": "1", "Statement": [statement]})


def allowing(*actions: str) -> str:
    where = f"acs:oss:*:*:{BUCKET}/uploads/*"
    statement = {"Effect": "Allow", "Action": actions, "Resource": [where]}
    return json.dumps({"Version": "1", "Statement": [statement]})


SERVER_ARN = f"acs:ram::{ACCOUNT}:user/{SERVER.name}"
IDENTITY = replace(SERVER, policies=(*SERVER.policies, template("doctor-policy")))
ROLE = Role(
    name="oss-web-upload", policies=(template("role-policy"),), trust_policy=trusting(SERVER_ARN)
)
SPEC = BucketSpec(name=BUCKET, cors=CORS, lifecycle=LIFECYCLE)


@dataclass
class SetUp:
    """A set-up that is right, until a test breaks it.

    Attributes:
        faults: faults of the mock, as for `Faults.add`.
        advance: by how much the mock's clock is ahead of this machine's clock.
        missing_packages: packages that are not installed.
        settings: settings that replace or extend those of `options`.
    """

    folder: Path
    web_dir: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    identity: User = IDENTITY
    key: tuple[str, str] = (KEY_ID, KEY_SECRET)
    role: Role = ROLE
    objects_role: Role = OBJECTS_ROLE
    bucket: BucketSpec = SPEC
    cnames: Mapping[str, str] = field(default_factory=dict)
    refuse_public_endpoints: bool = False
    faults: tuple[dict[str, Any], ...] = ()
    advance: timedelta = timedelta(0)
    missing_packages: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)

    def mock(self) -> MockOSS:
        world = World(
            users=(self.identity,),
            roles=(self.role, self.objects_role),
            buckets=(self.bucket,),
            cnames=self.cnames,
            refuse_public_endpoints=self.refuse_public_endpoints,
        )
        return MockOSS(world=world, faults=self.faults)

    def doctor(self) -> dict[str, Any]:
        """Run `ossferry doctor --json`, and return its result."""
        patch = self.monkeypatch
        patch.chdir(self.folder)
        patch.setattr("sys.argv", ["ossferry", "doctor", "--json"])
        for package in self.missing_packages:
            patch.setitem(sys.modules, package, None)
        with self.mock() as oss:
            oss.clock.advance(self.advance)
            for name, value in self.options(oss).items():
                patch.setenv(name, value)
            for name, value in zip(("id", "secret"), self.key, strict=True):
                # the vendor's package reads the variables only once, when it is imported
                patch.setattr(auth_util, f"environment_access_key_{name}", value)
            environment = dict(os.environ)
            with pytest.raises(SystemExit) as ended:
                main()
            assert os.environ == environment
            left = oss.store.uploads.count(BUCKET), oss.store.objects.page(BUCKET, limit=1)
        said, errors = self.capsys.readouterr()
        found: dict[str, Any] = json.loads(said)
        assert errors == ""
        assert self.key[1] not in said
        assert SECRET not in said
        assert left == (0, [])
        assert ended.value.code == (0 if found["healthy"] else 1)
        return found

    def options(self, oss: MockOSS) -> dict[str, str]:
        """Return the environment of the server."""
        return {
            "HTTP_PROXY": "http://127.0.0.1:1",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.key[0],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.key[1],
            "OSSFERRY_ALLOW_MOCK": "1",
            "OSSFERRY_BUCKET": BUCKET,
            "OSSFERRY_REGION": "cn-hangzhou",
            "OSSFERRY_ENDPOINT": f"http://{HOST}",
            "OSSFERRY_OBJECTS_ENDPOINT": oss.endpoint,
            "OSSFERRY_STS_ENDPOINT": oss.endpoint,
            "OSSFERRY_ROLE_ARN": ROLE.arn,
            "OSSFERRY_OBJECTS_ROLE_ARN": OBJECTS_ROLE.arn,
            "OSSFERRY_SECRET": SECRET,
            "OSSFERRY_PUBLIC_URL": PAGE,
            "OSSFERRY_WEB_DIR": str(self.web_dir),
            "OSSFERRY_ALLOWED_HOSTS": '["uploads.localhost"]',
            "OSSFERRY_DATABASE_URL": f"sqlite:///{self.folder}/ledger.db",
            "OSSFERRY_AUDIT_FILE": str(self.folder / "audit.log"),
            **self.settings,
        }


@pytest.fixture
def set_up(
    tmp_path: Path,
    web_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> SetUp:
    return SetUp(tmp_path, web_dir, monkeypatch, capsys)


def rows(found: dict[str, Any], outcome: str) -> dict[str, str]:
    """Return the reasons of all checks with an outcome, by id."""
    return {row["id"]: row["reason"] for row in found["checks"] if row["outcome"] == outcome}


def row_of(found: dict[str, Any], id_: str) -> dict[str, str]:
    row: dict[str, str]
    (row,) = (row for row in found["checks"] if row["id"] == id_)
    return row


NORMAL_WARNINGS = {"credentials", "public-access-block"}
"""The key of the mock's user is a long-term key, and nobody turned on Block Public Access."""


def test_a_set_up_that_is_right_has_no_fault_and_its_ledger_is_not_created_yet(
    set_up: SetUp,
) -> None:
    found = set_up.doctor()

    assert rows(found, "fail") == {}
    assert set(rows(found, "warn")) | set(rows(found, "skipped")) <= NORMAL_WARNINGS
    assert SERVER_ARN in rows(found, "warn")["credentials"]
    assert "environment variables" in rows(found, "warn")["credentials"]
    assert rows(found, "ok")["ledger"].endswith("when it starts.")
    assert not (set_up.folder / "ledger.db").exists()


def test_a_server_with_only_the_rights_that_it_needs_has_no_fault(set_up: SetUp) -> None:
    set_up.identity = SERVER

    found = set_up.doctor()

    assert rows(found, "fail") == {}
    skipped = rows(found, "skipped")
    assert set(skipped) == {"public-access-block", "lifecycle", "domains"}
    for name, right in (("lifecycle", "GetBucketLifecycle"), ("domains", "ListCname")):
        told = f"Needs the right oss:{right}, which the server itself does not need."
        assert skipped[name] == told


Change = Callable[[SetUp], None]


def changed(**fields: object) -> Change:
    """Return a function that sets attributes of a set-up."""

    def change(set_up: SetUp) -> None:
        for name, value in fields.items():
            setattr(set_up, name, value)

    return change


def with_settings(**settings: str) -> Change:
    return changed(settings={f"OSSFERRY_{name}": value for name, value in settings.items()})


def without_pyodide(set_up: SetUp) -> None:
    manifest = {"files": {}, "separate": {"pyodide": ["/assets/pyodide-0000"]}}
    (set_up.folder / "manifest.json").write_text(json.dumps(manifest))
    with_settings(RUNTIME="pyodide", WEB_DIR=str(set_up.folder))(set_up)


def with_no_key(set_up: SetUp) -> None:
    with_settings(AUTH="apikey", API_KEYS_FILE=str(set_up.folder / "keys.json"))(set_up)
    (set_up.folder / "keys.json").write_text(NO_KEYS)


def without_asyncpg(set_up: SetUp) -> None:
    set_up.missing_packages = ("asyncpg",)
    with_settings(DATABASE_URL="postgresql://u@127.0.0.1:1/x")(set_up)


def with_openid(issuer: str, **settings: str) -> Change:
    return with_settings(
        AUTH="oidc",
        OIDC_ISSUER=issuer,
        OIDC_CLIENT_ID="ossferry",
        OIDC_CLIENT_SECRET="canary-client-secret",
        **settings,
    )


def with_files(set_up: SetUp) -> None:
    (set_up.folder / "directory").mkdir()
    set_up.settings = {"OSSFERRY_AUDIT_FILE": str(set_up.folder / "directory")}


def on_a_full_disk(set_up: SetUp) -> None:
    (set_up.folder / "audit.log").symlink_to("/dev/full")


def behind_a_domain(set_up: SetUp, bucket: str = BUCKET) -> None:
    set_up.cnames = {"files.localhost": bucket}
    with_settings(ENDPOINT="http://files.localhost", CNAME="1")(set_up)


def at_a_domain_that_is_not_bound(set_up: SetUp) -> None:
    """Let the mock refuse a domain; it takes every name below localhost for a bucket's."""
    behind_a_domain(set_up)
    set_up.faults = ({"effect": "error", "code": "NonStandardHostForbidden", "bucket": BUCKET},)


def with_a_role_for_another_bucket(set_up: SetUp) -> None:
    elsewhere = template("role-policy").replace(BUCKET, f"{BUCKET}-x")
    set_up.role = replace(ROLE, policies=(elsewhere,))


def with_a_foreign_bucket(set_up: SetUp) -> None:
    """Name a bucket of another account; the role is for a bucket of its own account."""
    with_a_role_for_another_bucket(set_up)
    set_up.bucket = replace(SPEC, account_id="2")


def behind_a_domain_of_another_bucket(set_up: SetUp) -> None:
    behind_a_domain(set_up, "another")
    set_up.bucket = replace(SPEC, name="another")


FAULTS: dict[str, tuple[Change, str, str]] = {
    "wrong secret key": (
        changed(key=(KEY_ID, "wrong")),
        "credentials",
        "refuses the credentials from environment variables (SignatureDoesNotMatch)",
    ),
    "role that does not exist": (
        with_settings(ROLE_ARN=f"{ROLE.arn}-x"),
        "role",
        f"The role {ROLE.arn}-x does not exist",
    ),
    "trust policy without the server": (
        changed(role=replace(ROLE, trust_policy=trusting(f"{SERVER_ARN}-x"))),
        "role",
        f"the role does not trust {SERVER_ARN}",
    ),
    "role without PutObject": (
        changed(
            role=replace(ROLE, policies=(allowing("oss:ListParts", "oss:AbortMultipartUpload"),))
        ),
        "upload",
        "lacks the right oss:PutObject",
    ),
    "role without two rights": (
        changed(role=replace(ROLE, policies=(allowing("oss:PutObject"),))),
        "upload",
        "lacks the right oss:ListParts, oss:AbortMultipartUpload",
    ),
    "kill switch on": (
        changed(role=replace(ROLE, policies=(template("role-policy"), template("kill-switch")))),
        "upload",
        f"A policy denies uploads with the role {ROLE.arn} explicitly",
    ),
    "session policy not enforced": (
        changed(faults=({"effect": "no-session-policy"},)),
        "session-policy",
        "the session policy is not enforced",
    ),
    "objects role without GetObject": (
        changed(objects_role=replace(OBJECTS_ROLE, policies=(allowing("oss:PutObject"),))),
        "objects-role",
        "lacks the right oss:ListObjects, oss:ListMultipartUploads, oss:GetObject,"
        " oss:DeleteObject, oss:ListParts, oss:AbortMultipartUpload",
    ),
    "roles of a release without held uploads": (
        changed(
            role=replace(ROLE, policies=(template("role-policy").replace("incoming/", "else/"),)),
            settings={"OSSFERRY_RELEASE": "checked", "OSSFERRY_SCANNER_URL": "http://scanner/"},
        ),
        "upload",
        "has no right for uploads below incoming/, where OSSFERRY_RELEASE=checked holds them",
    ),
    "no CORS rule": (
        changed(bucket=replace(SPEC, cors="")),
        "cors",
        f"refuse PUT, POST, GET, HEAD, DELETE to pages at {PAGE}",
    ),
    "CORS rule without an exposed header": (
        changed(bucket=replace(SPEC, cors=CORS.replace("x-oss-hash-crc64ecma", "x-oss-version"))),
        "cors-headers",
        f"hide x-oss-hash-crc64ecma from pages at {PAGE}.",
    ),
    "clock an hour ahead": (
        changed(advance=timedelta(hours=-1)),
        "clock",
        "s ahead of that of STS; OSS and STS refuse requests with a wrong time",
    ),
    "wrong region and endpoint": (
        with_settings(REGION="cn-shanghai", ENDPOINT="http://oss-cn-shanghai.localhost"),
        "region",
        "not in cn-shanghai; its endpoint is oss-cn-hangzhou.aliyuncs.com",
    ),
    "wrong region only": (
        with_settings(REGION="cn-shanghai"),
        "region",
        "OSS refuses signatures for cn-shanghai: the bucket is in another region, or there is no"
        " such region.",
    ),
    "public endpoint forbidden": (
        changed(refuse_public_endpoints=True),
        "endpoint",
        f"does not let this account use the public endpoint http://{BUCKET}.{HOST}",
    ),
    "domain that is not bound": (
        at_a_domain_that_is_not_bound,
        "endpoint",
        "The custom domain http://files.localhost is bound to no bucket",
    ),
    "domain of another bucket": (
        behind_a_domain_of_another_bucket,
        "region",
        "is bound to another bucket than",
    ),
    "second address of another region": (
        with_settings(UPLOAD_HOSTS='["http://oss-cn-shanghai.localhost"]'),
        "region",
        "its endpoint is oss-cn-hangzhou.aliyuncs.com",
    ),
    "OSS that does not answer": (
        changed(faults=({"effect": "reset", "when": "before", "bucket": BUCKET},)),
        "endpoint",
        f"http://{BUCKET}.{HOST} does not answer",
    ),
    "STS that does not answer": (
        changed(faults=({"effect": "reset", "when": "before", "operation": "ListBuckets"},)),
        "sts",
        "STS does not answer (",
    ),
    "no bucket": (
        changed(bucket=replace(SPEC, name="another")),
        "bucket",
        f"There is no bucket {BUCKET}",
    ),
    "bucket of another account": (
        changed(bucket=replace(SPEC, account_id="2")),
        "upload",
        f"The bucket {BUCKET} belongs to another account than {ROLE.arn}",
    ),
    "foreign bucket, and a role for another one": (
        with_a_foreign_bucket,
        "upload",
        "or the bucket belongs to another account than the role.",
    ),
    "role for another bucket": (
        with_a_role_for_another_bucket,
        "upload",
        f"has no right for uploads to the bucket {BUCKET}: its policies do not name this bucket",
    ),
    "STS and mock at a wrong address": (
        with_settings(STS_ENDPOINT="http://127.0.0.1:9"),
        "sts",
        "STS does not answer (ConnectError)",
    ),
    "package for PostgreSQL not installed": (
        without_asyncpg,
        "ledger",
        "OSSFERRY_DATABASE_URL needs a package that is not installed.",
    ),
    "public bucket": (
        changed(bucket=replace(SPEC, acl="public-read")),
        "public-access",
        "Everybody can read",
    ),
    "Redis down": (
        with_settings(REDIS_URL="redis://:canary-password@127.0.0.1:9/0"),
        "storage",
        "Redis does not answer (ConnectionError)",
    ),
    "database down": (
        with_settings(DATABASE_URL="postgresql://u:canary-password@127.0.0.1:9/x"),
        "ledger",
        "The ledger does not answer",
    ),
    "folder of the ledger missing": (
        with_settings(DATABASE_URL="sqlite:////nowhere/ledger.db"),
        "ledger",
        "the folder /nowhere does not exist",
    ),
    "Pyodide not installed": (
        without_pyodide,
        "start",
        "refuses to start: OSSFERRY_RUNTIME: The files of pyodide are not installed",
    ),
    "mock not installed": (
        changed(missing_packages=("mock_oss",)),
        "start",
        "refuses to start: OSSFERRY_ALLOW_MOCK=1 needs a package that is not installed.",
    ),
    "mock where it looks like production": (
        changed(settings={"ENV": "production"}),
        "start",
        "refuses to start: ENV=production says that this is a production environment",
    ),
    "no page": (
        with_settings(WEB_DIR="/nowhere"),
        "start",
        "refuses to start: OSSFERRY_WEB_DIR: there is no built page",
    ),
    "OpenID provider without an address": (
        with_openid("https://login.invalid"),
        "sign-in",
        "The host name in https://login.invalid/.well-known/openid-configuration has no address",
    ),
    "issuer of tokens that does not answer": (
        with_settings(
            AUTH="jwt", JWT_ISSUER="x", JWT_AUDIENCE="x", JWT_JWKS_URL="http://127.0.0.1:9/keys"
        ),
        "sign-in",
        "/keys does not answer (",
    ),
    "clamd is away": (
        with_settings(RELEASE="checked", CLAMD="/absent/clamd.ctl"),
        "clamd",
        "clamd does not answer (FileNotFoundError)",
    ),
    "audit file is a folder": (with_files, "audit", "cannot be opened (Is a directory)"),
    "audit file on a full disk": (on_a_full_disk, "audit", "(No space left on device)"),
}


WITH_COMMANDS = {
    "no CORS rule",
    "CORS rule without an exposed header",
    "CORS rule for every origin",
    "trust policy without the server",
    "role without PutObject",
    "role without two rights",
    "role for another bucket",
    "role that may do everything",
    "objects role without GetObject",
    "no lifecycle rule",
    "no lifecycle rule for the trash",
}
"""Faults with a fix whose commands print the documents that mend the set-up."""
FIXES = {
    "wrong secret key": (
        "Correct ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or use a RAM"
        " role."
    ),
    "package for PostgreSQL not installed": f"Run `{install_command('postgresql')}`.",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_is_named_and_no_other(set_up: SetUp, fault: str) -> None:
    breaks, id_, reason = FAULTS[fault]
    breaks(set_up)

    found = set_up.doctor()

    assert list(rows(found, "fail")) == [id_]
    assert set(rows(found, "warn")) <= NORMAL_WARNINGS
    assert reason in rows(found, "fail")[id_]
    row = row_of(found, id_)
    assert row["fix"].endswith(".")
    assert row["fix"] == FIXES.get(fault, row["fix"])
    assert "canary" not in json.dumps(found)
    if fault in WITH_COMMANDS:
        expect_mended(set_up, found, id_)


def test_if_uploads_are_restored_from_versions_a_right_is_checked_and_no_trash(
    set_up: SetUp,
) -> None:
    with_settings(UNDO="versions")(set_up)
    set_up.bucket = replace(SPEC, lifecycle=LIFECYCLE.replace("trash/", "trash/a"))
    without = set_up.doctor()
    set_up.objects_role = VERSIONS_ROLE
    found = set_up.doctor()

    lacking = f"The role {OBJECTS_ROLE.arn} lacks the right oss:DeleteObjectVersion."
    assert (rows(without, "fail"), rows(found, "fail")) == ({"objects-role": lacking}, {})
    assert set(rows(found, "warn")) <= NORMAL_WARNINGS


def test_in_a_bucket_that_is_public_to_write_the_rights_of_credentials_are_not_checked(
    set_up: SetUp,
) -> None:
    set_up.bucket = replace(SPEC, acl="public-read-write")

    found = set_up.doctor()

    assert rows(found, "fail") == {
        "public-access": "Everybody can read and write the objects in the bucket."
    }
    assert set(rows(found, "warn")) <= NORMAL_WARNINGS
    assert rows(found, "ok")["role-scope"] == (
        "No right beyond uploads below uploads/ was found; the right to write outside uploads/ and"
        " read objects was not checked, because everybody has it."
    )


WARNINGS: dict[str, tuple[Change, str, str]] = {
    "no lifecycle rule": (
        changed(bucket=replace(SPEC, lifecycle="")),
        "lifecycle",
        "The bucket has no lifecycle rule.",
    ),
    "lifecycle rules that are off": (
        changed(bucket=replace(SPEC, lifecycle=LIFECYCLE.replace("Enabled", "Disabled"))),
        "lifecycle",
        "No lifecycle rule aborts multipart uploads below uploads/, or deletes old objects below"
        " trash/.",
    ),
    "no lifecycle rule for the trash": (
        changed(bucket=replace(SPEC, lifecycle=LIFECYCLE.replace("trash/", "trash/a"))),
        "lifecycle",
        "No lifecycle rule deletes old objects below trash/.",
    ),
    "lifecycle rule for a part of the uploads": (
        changed(bucket=replace(SPEC, lifecycle=LIFECYCLE.replace("uploads/", "uploads/a"))),
        "lifecycle",
        "No lifecycle rule aborts multipart uploads below uploads/.",
    ),
    "CORS rule for every origin": (
        changed(bucket=replace(SPEC, cors=CORS.replace(PAGE, "*"))),
        "cors",
        "The bucket's CORS rules allow PUT, POST, GET, HEAD, DELETE to pages at every origin.",
    ),
    "forms that are refused": (
        changed(faults=({"effect": "error", "code": "AccessDenied", "operation": "PostObject"},)),
        "forms",
        f"http://{BUCKET}.{HOST} refuses forms (AccessDenied), so the page sends small files with"
        " PutObject and needs a preflight request for each.",
    ),
    "no API key, and no sign-in for people": (
        with_no_key,
        "sign-in",
        "Valid API keys: 0 of 0. Nobody can sign in on the page: OSSFERRY_AUTH has no method for"
        " people.",
    ),
    "role that may do everything": (
        changed(
            role=replace(
                ROLE,
                policies=(
                    '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*",'
                    '"Resource":"*"}]}',
                ),
            )
        ),
        "role-scope",
        f"The role {ROLE.arn} may also write outside uploads/ and read objects.",
    ),
}


@pytest.mark.parametrize("fault", WARNINGS)
def test_what_does_not_stop_uploads_is_a_warning(set_up: SetUp, fault: str) -> None:
    breaks, id_, reason = WARNINGS[fault]
    breaks(set_up)

    found = set_up.doctor()

    warnings = rows(found, "warn")
    assert rows(found, "fail") == {}
    assert set(warnings) - NORMAL_WARNINGS == {id_}
    assert warnings[id_] == reason
    if fault in WITH_COMMANDS:
        expect_mended(set_up, found, id_)


def test_a_refused_form_is_a_failure_if_the_page_has_only_forms(set_up: SetUp) -> None:
    set_up.faults = ({"effect": "error", "code": "AccessDenied", "operation": "PostObject"},)
    with_settings(GRANT="form")(set_up)

    assert rows(set_up.doctor(), "fail") == {
        "forms": f"http://{BUCKET}.{HOST} refuses forms (AccessDenied), so the page cannot upload:"
        " with OSSFERRY_GRANT=form it has only forms."
    }


def test_for_an_answer_without_a_code_the_status_is_named_and_no_code_looked_up(
    set_up: SetUp,
) -> None:
    set_up.faults = ({"effect": "html", "operation": "PostObject"},)

    found = set_up.doctor()

    assert "refuses forms (status 200)" in rows(found, "warn")["forms"]
    fix = row_of(found, "forms")["fix"]
    assert fix == "Allow POST in front of the bucket, such as in a CDN."


def without_the_doctors_rights(set_up: SetUp) -> None:
    set_up.identity = SERVER


def without_the_right_to_assume_roles(set_up: SetUp) -> None:
    set_up.identity = replace(SERVER, policies=(template("doctor-policy"),))


def follow(set_up: SetUp, fix: str) -> None:
    """Run the commands of a fix, and put the documents that they print where the fix says."""
    found = re.findall(r"`ossferry (policy [^`]+)`", fix)
    assert found
    for line in found:
        arguments = shlex.split(line)
        done = commands.run(*arguments, environment={})
        assert done.code == 0, done.err
        put(set_up, arguments[1], done.out)


def expect_mended(set_up: SetUp, found: dict[str, Any], id_: str) -> None:
    """Follow the fix of a check, and examine the set-up again."""
    fix = row_of(found, id_)["fix"]
    follow(set_up, fix)

    found = set_up.doctor()
    assert rows(found, "fail") == {}
    assert set(rows(found, "warn")) | set(rows(found, "skipped")) <= NORMAL_WARNINGS


def put(set_up: SetUp, document: str, text: str) -> None:
    match document:
        case "cors" | "lifecycle":
            changes: Any = {document: text}
            set_up.bucket = replace(set_up.bucket, **changes)
        case "role":
            set_up.role = replace(set_up.role, policies=(over_http(text),))
        case "objects":
            set_up.objects_role = replace(set_up.objects_role, policies=(over_http(text),))
        case "trust":
            set_up.role = replace(set_up.role, trust_policy=text)
        case "caller":
            set_up.identity = replace(SERVER, policies=(text, template("doctor-policy")))
        case "doctor":
            set_up.identity = replace(SERVER, policies=(*SERVER.policies, text))
        case _:
            raise AssertionError(document)


@pytest.mark.parametrize(
    ("breaks", "id_"),
    [(without_the_right_to_assume_roles, "role"), (without_the_doctors_rights, "lifecycle")],
    ids=["server that may not assume roles", "server without the doctor's rights"],
)
def test_the_commands_of_a_fix_mend_the_rights_of_the_server(
    set_up: SetUp, breaks: Change, id_: str
) -> None:
    breaks(set_up)
    found = set_up.doctor()
    assert id_ not in rows(found, "ok")

    expect_mended(set_up, found, id_)


def test_fixes_for_the_bucket_name_its_configurations_and_impossible_checks_are_skipped(
    set_up: SetUp,
) -> None:
    open_bucket = set_up.doctor()
    set_up.bucket = replace(SPEC, name="another")
    no_bucket = set_up.doctor()

    set_up.bucket = replace(SPEC, acl="public-read")
    public_bucket = set_up.doctor()
    set_up.bucket = replace(SPEC, cors="", lifecycle="")
    bare_bucket = set_up.doctor()

    skipped = rows(no_bucket, "skipped")
    assert skipped["region"] == "Needs the check bucket."
    assert skipped["upload"] == "Needs the check region."
    assert skipped["session-policy"] == "Needs the check upload."
    assert {"storage", "ledger", "audit", "role"}.isdisjoint(skipped)
    assert rows(public_bucket, "ok")["role-scope"] == (
        "No right beyond uploads below uploads/ was found; the right to read objects was not"
        " checked, because everybody has it."
    )

    for found, id_, root, options in (
        (
            public_bucket,
            "public-access",
            "PublicAccessBlockConfiguration",
            "`--adopt` and the same options",
        ),
        (open_bucket, "public-access-block", "PublicAccessBlockConfiguration", "the same options"),
        (no_bucket, "bucket", "CreateBucketConfiguration", "the same options"),
        (bare_bucket, "cors", "CORSConfiguration", "these origins and the same options"),
        (bare_bucket, "lifecycle", "LifecycleConfiguration", "the same options"),
    ):
        fix = row_of(found, id_)["fix"]
        assert fix.endswith(f" `ossferry setup` with {options} does this.")
        (line,) = re.findall(r"`ossferry (policy [^`]+)`", fix)
        assert commands.run(*shlex.split(line), environment={}).out.startswith(f"<{root}>")


def test_custom_domains_of_the_bucket_are_listed(set_up: SetUp) -> None:
    behind_a_domain(set_up)
    set_up.refuse_public_endpoints = True

    found = set_up.doctor()

    assert rows(found, "fail") == {}
    assert rows(found, "ok")["domains"] == (
        "Custom domains of the bucket: files.localhost (no certificate)."
    )


@pytest.mark.parametrize(
    ("forbidden", "faults", "outcome", "told"),
    [
        (False, (), "ok", f"This account may use http://{BUCKET}.{HOST}."),
        (
            True,
            (),
            "ok",
            f"This account needs a custom domain: it may not use http://{BUCKET}.{HOST}.",
        ),
        (
            False,
            ({"effect": "reset", "operation": "GetObject", "skip": 1},),
            "skipped",
            f"http://{BUCKET}.{HOST} does not answer (",
        ),
    ],
    ids=["allowed", "forbidden", "silent"],
)
def test_behind_a_custom_domain_the_public_endpoint_is_tried(
    set_up: SetUp, forbidden: bool, faults: tuple[dict[str, Any], ...], outcome: str, told: str
) -> None:
    behind_a_domain(set_up)
    set_up.refuse_public_endpoints = forbidden
    set_up.faults = faults

    found = set_up.doctor()

    assert rows(found, "fail") == {}
    assert rows(found, outcome)["public-endpoint"].startswith(told)


@pytest.fixture(scope="module")
def ledger_server(a_postgres: Postgres) -> Postgres:
    """A PostgreSQL server with a user without rights."""
    a_postgres.add_user("stranger", "right")
    return a_postgres


@pytest.mark.parametrize(
    ("change", "outcome", "reason"),
    [
        (lambda url: url, "ok", "The database is empty; the server creates its tables"),
        (lambda url: f"{url}x", "fail", "does not exist (database "),
        (
            lambda url: url.replace("postgres@", "stranger:canary-password@"),
            "fail",
            "refuses the user or the password (password authentication failed for user",
        ),
        (lambda url: url.replace("postgres@", "nobody@"), "fail", "refuses the user (role "),
        (
            lambda url: url.replace("postgres@", "stranger:right@"),
            "fail",
            "may not create or write the ledger's tables (InsufficientPrivilegeError)",
        ),
    ],
    ids=["empty", "no database", "wrong password", "no user", "no rights"],
)
def test_a_fault_of_postgresql_is_named(
    set_up: SetUp, ledger_server: Postgres, change: Callable[[str], str], outcome: str, reason: str
) -> None:
    url = ledger_server.new_database()
    set_up.settings = {"OSSFERRY_DATABASE_URL": change(url)}

    found = set_up.doctor()

    assert set(rows(found, "fail")) == ({"ledger"} if outcome == "fail" else set())
    assert reason in rows(found, outcome)["ledger"]
    assert "canary" not in json.dumps(found)
    assert ledger_server.ask("\\dt", url.rpartition("/")[2]) == ""  # nothing was created


@pytest.mark.parametrize(
    ("revision", "outcome", "reason"),
    [
        (None, "ok", "The ledger can be written."),
        ("0008", "fail", "The ledger has the tables of an older release."),
        ("9999", "fail", "A newer version of ossferry has migrated the ledger."),
    ],
    ids=["newest", "older", "newer"],
)
def test_the_version_of_the_tables_is_told_and_not_changed(
    set_up: SetUp, revision: str | None, outcome: str, reason: str
) -> None:
    file = set_up.folder / "ledger.db"
    asyncio.run(check_ledger(f"sqlite:///{file}"))
    if revision:
        with closing(sqlite3.connect(file, isolation_level=None)) as ledger:
            ledger.execute("UPDATE alembic_version SET version_num = ?", (revision,))

    found = set_up.doctor()

    assert rows(found, outcome)["ledger"] == reason
    with closing(sqlite3.connect(file)) as ledger:
        ((now,),) = ledger.execute("SELECT version_num FROM alembic_version").fetchall()
    assert now == (revision or now)


def test_root_does_not_touch_the_files_of_the_servers_user(
    set_up: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        os.chown(set_up.folder, pwd.getpwnam("nobody").pw_uid, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    user = pwd.getpwuid(set_up.folder.stat().st_uid).pw_name

    found = set_up.doctor()

    told = f"Needs the user {user}; root would create files that the server cannot write."
    assert {name: rows(found, "skipped")[name] for name in ("ledger", "audit")} == {
        "ledger": told,
        "audit": told,
    }
    assert list(set_up.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("trusted", "host", "outcome", "reason"),
    [
        (False, "localhost", "fail", "Browsers refuse the certificate of https://localhost:"),
        (True, "example.com", "fail", "Browsers refuse the certificate of https://localhost:"),
        (True, "localhost", "warn", "ends in 0 days."),
    ],
    ids=["untrusted", "of another host", "ends soon"],
)
def test_the_pages_certificate_is_checked_as_browsers_check_it_and_skips_no_other_check(
    set_up: SetUp,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,
    host: str,
    outcome: str,
    reason: str,
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(set_up.folder / "fullchain.pem"))
    with tls_server(set_up.folder, host) as page:
        set_up.bucket = replace(SPEC, cors=CORS.replace(PAGE, page))
        with_settings(PUBLIC_URL=page, ALLOWED_HOSTS='["localhost"]')(set_up)
        found = set_up.doctor()

    assert set(rows(found, "fail")) == ({"page-tls"} if outcome == "fail" else set())
    assert reason in rows(found, outcome)["page-tls"]
    assert set(rows(found, "skipped")) <= NORMAL_WARNINGS


def test_a_page_that_does_not_answer_yet_is_a_warning(set_up: SetUp) -> None:
    set_up.settings = {
        "OSSFERRY_PUBLIC_URL": f"https://localhost:{free_port()}",
        "OSSFERRY_ALLOWED_HOSTS": '["localhost"]',
    }

    found = set_up.doctor()

    assert "does not answer this machine" in rows(found, "warn")["page-tls"]


@contextmanager
def tls_server(folder: Path, host: str) -> Iterator[str]:
    """Answer each connection with a TLS handshake and a certificate for a host; yield the URL."""
    make_certificate(folder, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "fullchain.pem", folder / "privkey.pem")

    def serve(plain: socket.socket) -> None:
        with suppress(OSError):
            while True:
                with suppress(ssl.SSLError), plain.accept()[0] as client:
                    context.wrap_socket(client, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=serve, args=(plain,))
        thread.start()
        try:
            yield f"https://localhost:{plain.getsockname()[1]}"
        finally:
            plain.shutdown(socket.SHUT_RDWR)
            thread.join()


def run_line(set_up: SetUp, oss: MockOSS, line: str) -> Ran:
    """Run a line of the documentation with the set-up in the environment."""
    with chdir(set_up.folder):
        return commands.run(*shlex.split(line)[1:], environment=set_up.options(oss))


def as_a_program(set_up: SetUp, oss: MockOSS, line: str) -> Ran:
    """Run such a line in a process of its own."""
    done = subprocess.run(  # noqa: S603 - a line of our own documentation
        [COMMAND, *shlex.split(line)[1:]],
        cwd=set_up.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(set_up.folder), **set_up.options(oss)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(code=done.returncode, out=done.stdout, err=done.stderr)


def test_the_command_prints_lines_or_json_and_its_exit_code_is_the_result(set_up: SetUp) -> None:
    as_lines, as_json = re.findall(r"^\$ (ossferry doctor.*)$", PAGE_TEXT, re.MULTILINE)
    with set_up.mock() as oss:
        healthy = as_a_program(set_up, oss, as_lines)
        set_up.settings = {"OSSFERRY_REDIS_URL": "redis://127.0.0.1:1/0"}
        broken = run_line(set_up, oss, as_lines)
        as_data = run_line(set_up, oss, as_json)

    assert (healthy.code, healthy.err) == (0, "")
    assert (broken.code, broken.err) == (1, "")
    assert (as_data.code, as_data.err) == (1, "")
    assert "FAIL" not in healthy.out
    assert "environment variables" in healthy.out
    heading, *lines = [line.split("\t") for line in broken.out.splitlines()]
    assert heading == ["check", "result", "reason", "fix"]
    assert [line[0] for line in lines] == [id_ for id_, _, _ in PROBES]
    (failed,) = (line for line in lines if line[1] == "FAIL")
    assert (failed[0], failed[3]) == ("storage", "Start Redis, or correct OSSFERRY_REDIS_URL.")
    assert {line[1] for line in lines} <= shown_outcomes().keys()
    assert {row["outcome"] for row in json.loads(as_data.out)["checks"]} <= set(
        shown_outcomes().values()
    )
    assert list(rows(json.loads(as_data.out), "fail")) == ["storage"]
    assert KEY_SECRET not in healthy.out + broken.out + as_data.out


def shown_outcomes() -> dict[str, str]:
    """Return the results that the page names, and how JSON spells each of them."""
    return dict(re.findall(r"^\| ([A-Z]+) \| `\"([a-z]+)\"` \|", PAGE_TEXT, re.MULTILINE))


def test_the_page_names_all_results_as_they_are_printed() -> None:
    assert shown_outcomes() == {each.upper(): each.value for each in Outcome}


def test_a_program_gets_each_line_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(as_json=False) as show:
        show(Row(id="sts", about="STS answers", outcome=Outcome.OK, reason="Yes.", fix=""))
        assert capsys.readouterr().out.splitlines()[1] == "sts\tOK\tYes.\t-"


@pytest.mark.parametrize(
    ("settings", "env_file", "told"),
    [
        ({"OSSFERRY_BUCKET": ""}, b"", "OSSFERRY_BUCKET is missing: add it to .env; "),
        ({"OSSFERRY_METRICS_TOKEN_FILE": "/nowhere"}, b"", "OSSFERRY_METRICS_TOKEN_FILE: /nowhere"),
        ({}, b"\xff", "The file .env cannot be read: it is not UTF-8."),
    ],
    ids=["missing option", "unreadable secret", "unreadable settings"],
)
def test_wrong_settings_are_one_sentence(
    set_up: SetUp, settings: dict[str, str], env_file: bytes, told: str
) -> None:
    set_up.settings = settings
    (set_up.folder / ".env").write_bytes(env_file)
    with set_up.mock() as oss:
        done = run_line(set_up, oss, "ossferry doctor")

    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"ossferry: {told}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("discovered", "outcome", "told"),
    [
        ({}, "ok", "Keys of the issuer at {}/jwks: 1."),
        (
            {"issuer": "https://example.com"},
            "fail",
            "The configuration at {}/.well-known/openid-configuration names another issuer.",
        ),
        (
            {"token_endpoint": None},
            "fail",
            "{}/.well-known/openid-configuration gives no usable answer (unreadable).",
        ),
        (
            {"jwks_uri": "http://login.invalid/jwks"},
            "fail",
            "The host name in http://login.invalid",
        ),
    ],
    ids=["right", "other issuer", "no endpoint", "keys elsewhere"],
)
def test_the_openid_provider_is_asked_as_the_server_asks_it(
    set_up: SetUp, issuer: FakeIssuer, discovered: dict[str, Any], outcome: str, told: str
) -> None:
    with_openid(issuer.url)(set_up)
    issuer.discovered = discovered

    found = set_up.doctor()

    assert set(rows(found, "fail")) == ({"sign-in"} if outcome == "fail" else set())
    assert rows(found, outcome)["sign-in"].startswith(told.format(issuer.url))


def test_an_issuer_of_tokens_with_a_private_certificate_needs_its_authority(set_up: SetUp) -> None:
    with tls_server(set_up.folder, "localhost") as address:
        url = f"{address}/keys"
        with_settings(AUTH="jwt", JWT_ISSUER="x", JWT_AUDIENCE="x", JWT_JWKS_URL=url)(set_up)
        found = set_up.doctor()

    row = row_of(found, "sign-in")
    assert row["reason"].startswith(f"The server refuses the certificate at {url} (")
    assert row["fix"] == (
        "Set OSSFERRY_CA_FILE to the certificates of the issuer's certificate authority."
    )


def test_the_page_lists_all_checks() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| (.*?) \|$", PAGE_TEXT, re.MULTILINE)

    assert listed == [
        (id_, about, ", ".join(f"`{name}`" for name in needs.split()))
        for id_, about, needs in PROBES
    ]

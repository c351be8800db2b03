"""Sources of the server's own credentials: the vendor's chain with fakes of its sources.

Threat T31. Each case is a process with its own environment. The metadata service and STS are fakes
on this machine, and the process's connections are redirected to them.
"""

import json
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import indent
from urllib.parse import parse_qs, urlsplit

import pytest

from support.certificates import make_certificate

ROOT = Path(__file__).parents[3]
METADATA = "100.100.100.200"
STS_OF_CLUSTER = "sts-vpc.cn-hangzhou.aliyuncs.com"
METADATA_TOKEN = "metadata-token"
SOON = "2099-01-01T00:00:00Z"


NO_METADATA = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
OF_CLUSTER = {
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1000000000000000:role/ossferry-server",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1000000000000000:oidc-provider/ack",
    "ALIBABA_CLOUD_STS_REGION": "cn-hangzhou",
    "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true",
}


def credentials(name: str) -> dict[str, str]:
    return {
        "AccessKeyId": f"STS.{name}",
        "AccessKeySecret": f"secret-of-{name}",
        "SecurityToken": f"token-of-{name}",
        "Expiration": SOON,
    }


@dataclass
class Seen:
    """The requests to the fakes: method, path or action, and the caller's credentials."""

    metadata: list[tuple[str, str, str]] = field(default_factory=list)
    oidc: list[dict[str, str]] = field(default_factory=list)
    key_ids: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    without_tokens: bool = False
    garbled: bool = False


class Source(BaseHTTPRequestHandler):
    """A fake of both the metadata service and STS."""

    seen: Seen

    def do_PUT(self) -> None:
        """Return a token for the metadata service."""
        self.seen.metadata.append(("PUT", self.path, self.headers.get(TTL, "")))
        if self.seen.without_tokens:
            self._answer(404, "")
        else:
            self._answer(200, METADATA_TOKEN)

    def do_GET(self) -> None:
        """Handle AssumeRoleWithOIDC, or return the instance's role name or credentials."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if asked.get("Action") == "AssumeRoleWithOIDC":
            self.seen.oidc.append(asked)
            name = "credentials" if self.seen.garbled else "Credentials"
            self._answer(200, json.dumps({name: credentials("Oidc")}))
            return
        self.seen.metadata.append(("GET", self.path, self.headers.get(TOKEN, "")))
        role = self.path.rpartition("/")[2]
        self._answer(200, json.dumps({"Code": "Success", **credentials("Ecs")}) if role else "web")

    def do_POST(self) -> None:
        """Handle AssumeRole."""
        authorization = self.headers["Authorization"]
        self.seen.key_ids.append(re.findall("Credential=([^,]+)", authorization)[0])
        self.seen.tokens.append(self.headers.get("x-acs-security-token"))
        self._answer(200, json.dumps({"RequestId": "ID", "Credentials": credentials("Lent")}))

    def _answer(self, status: int, text: str) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Do not log."""


TTL, TOKEN = "X-aliyun-ecs-metadata-token-ttl-seconds", "X-aliyun-ecs-metadata-token"


@contextmanager
def listening(seen: Seen, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Source,), {"seen": seen}))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, slots=True)
class Calls:
    """The certificate of STS, and the program that makes a process for each call of STS."""

    certificate: Path
    program: "subprocess.Popen[str]"


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    folder = tmp_path_factory.mktemp("certificate")
    make_certificate(folder, STS_OF_CLUSTER)
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(ROOT / "tests/support/ask_sts.py")],
        env={"PYTHONPATH": f"{ROOT}/server:{ROOT}/tests"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        yield Calls(folder, program)
        program.terminate()


def ask(folder: Path, calls: Calls, seen: Seen, **environment: str) -> tuple[str, str]:
    """Return the output of the process, and its log."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(calls.certificate / "fullchain.pem", calls.certificate / "privkey.pem")
    with listening(seen) as plain, listening(seen, tls) as secure:
        call = {
            "url": f"http://127.0.0.1:{plain}",
            "ca": str(calls.certificate / "fullchain.pem"),
            "ports": {METADATA: plain, STS_OF_CLUSTER: secure},
            "environment": {"HOME": str(folder), **environment},
            "folder": str(folder),
        }
        assert calls.program.stdin
        assert calls.program.stdout
        print(json.dumps(call), file=calls.program.stdin, flush=True)
        status = calls.program.stdout.readline()
    said, log = ((folder / name).read_text("utf-8") for name in ("said", "log"))
    assert status == "0\n", log
    return said, log


def test_t31_the_role_of_an_ecs_instance_is_enough(tmp_path: Path, calls: Calls) -> None:
    seen = Seen()

    said, log = ask(tmp_path, calls, seen)

    assert (said, log) == ("STS.Lent", "")
    assert (seen.key_ids, seen.tokens) == (["STS.Ecs"], ["token-of-Ecs"])
    role = "/latest/meta-data/ram/security-credentials/"
    assert {path for method, path, _ in seen.metadata if method == "GET"} == {role, f"{role}web"}
    assert {proof for method, _, proof in seen.metadata if method == "GET"} == {METADATA_TOKEN}


def profile(folder: Path, kind: str) -> dict[str, str]:
    """Write a profile that names the role of the instance; return the environment for it."""
    if kind == "credentials.ini":
        path = folder / kind
        path.write_text("[default]\ntype=ecs_ram_role\nrole_name=web\n")
        return {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(path)}
    if kind == "config.json":
        (folder / ".aliyun").mkdir()
        found = {"name": "default", "mode": "EcsRamRole", "ram_role_name": "web"}
        text = json.dumps({"current": "default", "profiles": [found]})
        (folder / ".aliyun" / kind).write_text(text)
    return {}


SOURCES = ["no profile", "credentials.ini", "config.json"]


@pytest.mark.parametrize("source", SOURCES)
def test_t31_the_metadata_service_is_never_asked_without_a_token(
    tmp_path: Path, calls: Calls, source: str
) -> None:
    seen = Seen(without_tokens=True)

    said, _ = ask(tmp_path, calls, seen, **profile(tmp_path, source))

    assert said == "no-server-credentials"
    assert {method for method, _, _ in seen.metadata} == {"PUT"}
    assert seen.key_ids == []


def test_t31_the_operator_can_allow_calls_without_a_token(tmp_path: Path, calls: Calls) -> None:
    seen = Seen(without_tokens=True)

    said, _ = ask(tmp_path, calls, seen, ALIBABA_CLOUD_IMDSV1_DISABLED="false")

    assert said == "STS.Lent"
    assert {proof for method, _, proof in seen.metadata if method == "GET"} == {""}


FORKS = """
import importlib, os, sys
import aiohttp, oss2, pydantic_settings, requests  # once for all; none of them loads the vendor's
def told():
{told}
for case in sys.argv[1:]:
    if not os.fork():
        print(case, told(), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0
"""


def fork_for_each(cases: Iterable[str], told: str) -> dict[str, str]:
    """Run a function in a new process for each case; return what it returns, as text.

    Args:
        told: the body of the function, which may use the variable `case`.
    """
    result = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", FORKS.format(told=indent(told, "    ")), *cases],
        env={"PYTHONPATH": f"{ROOT}/server"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split(" ", 1) for line in result.stdout.splitlines())


def test_t31_an_application_that_loads_the_vendors_package_first_is_told() -> None:
    told = """
if case != "unset":
    os.environ["ALIBABA_CLOUD_IMDSV1_DISABLED"] = case
import alibabacloud_credentials.client
from ossferry.errors import SettingsError
from ossferry.oss.sts import default_credentials
try:
    default_credentials()
except SettingsError as error:
    return error
"""

    found = fork_for_each(["unset", "true", "false"], told)

    assert found.pop("unset").startswith("ALIBABA_CLOUD_IMDSV1_DISABLED: set it")
    assert found == {"true": "None", "false": "None"}


VENDORS = sorted(
    ".".join(path.relative_to(ROOT / "server").with_suffix("").parts)
    for path in (ROOT / "server/ossferry").rglob("*.py")
    if re.search(r"^(?:from|import) alibabacloud_credentials", path.read_text(), re.MULTILINE)
)


def test_t31_no_module_of_ours_loads_the_vendors_package_first() -> None:
    told = """
importlib.import_module(case)
import ossferry.oss
return ossferry.oss.IS_TOO_LATE
"""

    assert fork_for_each(VENDORS, told) == dict.fromkeys(VENDORS, "False")


def key_in_environment(name: str) -> dict[str, str]:
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": name,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": f"secret-of-{name}",
    }


def test_t31_a_service_account_of_a_cluster_is_enough(tmp_path: Path, calls: Calls) -> None:
    seen = Seen()
    (tmp_path / "token").write_text("token-of-the-service-account")

    said, log = ask(
        tmp_path, calls, seen, **OF_CLUSTER, ALIBABA_CLOUD_OIDC_TOKEN_FILE=str(tmp_path / "token")
    )

    assert (said, log) == ("STS.Lent", "")
    assert (seen.key_ids, seen.tokens) == (["STS.Oidc"], ["token-of-Oidc"])
    (asked,) = seen.oidc
    assert asked["OIDCToken"] == "token-of-the-service-account"
    assert asked["RoleArn"].endswith(":role/ossferry-server")
    assert seen.metadata == []


def test_t31_the_role_of_a_function_is_enough(tmp_path: Path, calls: Calls) -> None:
    """Function Compute puts credentials of the function's role into the environment."""
    seen = Seen()
    token = {"ALIBABA_CLOUD_SECURITY_TOKEN": "token-of-STS.Function", **NO_METADATA}

    said, log = ask(tmp_path, calls, seen, **key_in_environment("STS.Function"), **token)

    assert (said, log) == ("STS.Lent", "")
    assert (seen.key_ids, seen.tokens) == (["STS.Function"], ["token-of-STS.Function"])
    assert seen.metadata == []


@pytest.mark.parametrize("source", ["file", "environment"])
def test_t31_a_long_term_key_works(tmp_path: Path, calls: Calls, source: str) -> None:
    seen, name = Seen(), f"LTAI-{source}"
    path = tmp_path / "credentials.ini"
    path.write_text(f"[default]\ntype=access_key\naccess_key_id={name}\naccess_key_secret=x\n")
    profile = {"ALIBABA_CLOUD_CREDENTIALS_FILE": str(path)}
    given = profile if source == "file" else key_in_environment(name)

    said, log = ask(tmp_path, calls, seen, **given)

    assert (said, log, seen.key_ids) == ("STS.Lent", "", [name])


def test_t25_an_answer_that_the_vendor_does_not_understand_is_not_written_down(
    tmp_path: Path, calls: Calls
) -> None:
    of_cluster = {**OF_CLUSTER, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": __file__, **NO_METADATA}
    said, log = ask(tmp_path, calls, Seen(garbled=True), **of_cluster)

    assert said == "no-server-credentials"
    assert "error retrieving credentials" in log
    assert "secret-of" not in log
    assert "token-of" not in log


def test_t31_without_any_source_the_reason_is_told(tmp_path: Path, calls: Calls) -> None:
    said, _ = ask(tmp_path, calls, Seen(), **NO_METADATA)

    assert said == "no-server-credentials"

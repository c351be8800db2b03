"""The command `mock-oss`: parses the options, prints startup messages and runs the server.

The parser is `argparse` of the standard library, because other parsers take longer to import than
the mock takes to start.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mock_oss.environment import OVERRIDE, refuse_production
from mock_oss.errors import MockOSSError, WorldError
from mock_oss.faults.plan import read_faults
from mock_oss.server import MockOSS
from mock_oss.world.model import World


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def option_parser(prog: str = "mock-oss") -> argparse.ArgumentParser:
    """Return the parser for the options of the command `mock-oss`.

    Args:
        prog: the name of the command in its help.
    """
    parser = argparse.ArgumentParser(
        prog=prog, description="Run a mock Alibaba Cloud OSS and STS.", allow_abbrev=False
    )

    def add(name: str, text: str, **properties: Any) -> None:
        parser.add_argument(name, help=text, **properties)

    text = "port to listen on; 0 selects a free one (default: 9000)"
    add("--port", text, type=_port, default=9000)
    add("--host", "address to listen on (default: 127.0.0.1)", default="127.0.0.1")
    text = "directory for all data, kept after the mock ends"
    add("--data-dir", text, type=Path, metavar="DIR")
    add("--world", "TOML file with users, roles and buckets", type=Path, metavar="FILE")
    text = "store the files DIR/BUCKET/... that the bucket does not have yet"
    add("--seed", text, type=Path, metavar="DIR")
    add("--faults", "TOML or JSON file with planned faults", type=Path, metavar="FILE")
    text = "seed that makes all ids the same in every run"
    add("--seed-ids", text, type=int, metavar="NUMBER")
    text = "a bucket to create instead of those of the world; may be repeated"
    add("--bucket", text, action="append", metavar="NAME")
    text = "a custom domain of a bucket, instead of those of the world; may be repeated"
    add("--cname", text, action="append", metavar="DOMAIN=BUCKET")
    text = (
        "refuse operations on objects through public endpoints of mainland regions, as OSS does "
        "for new accounts"
    )
    add("--refuse-public", text, action="store_true")
    text = "send upload callbacks also to private addresses, for example of another container"
    add("--private-callbacks", text, action="store_true")
    text = (
        "start although the address is reachable from the network, or the environment looks like "
        "production"
    )
    add(OVERRIDE, text, action="store_true", dest="override")
    text = "an additional host name that may open /_mock/; may be repeated"
    add("--allow-host", text, action="append", default=[], metavar="NAME")
    return parser


def main(arguments: Sequence[str] | None = None, *, prog: str = "mock-oss") -> int:
    """Run the command `mock-oss` until a signal ends it, and return its exit code.

    Args:
        arguments: the command-line arguments; by default those of the process.
        prog: the name of the command in its help.

    Raises:
        SystemExit: with code 2 if an option is wrong, with code 0 after the help was printed.
    """
    options = option_parser(prog).parse_args(arguments)
    try:
        _run(options)
    except MockOSSError as e:
        print(f"mock-oss: {e}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    if not options.override:
        refuse_production(options.host, os.environ)
    oss = MockOSS(
        host=options.host,
        port=options.port,
        data_dir=options.data_dir,
        world=None if options.world is None else World.load(options.world),
        buckets=options.bucket,
        cnames=_read_cnames(options.cname) if options.cname else None,
        refuse_public_endpoints=options.refuse_public or None,
        seed=options.seed_ids,
        seed_dir=options.seed,
        faults=() if options.faults is None else read_faults(options.faults),
        allow_hosts=options.allow_host,
        private_callbacks=options.private_callbacks,
    )
    oss.run(on_ready=lambda: print(*_startup_lines(oss), sep="\n", flush=True))  # noqa: T201


def _read_cnames(given: list[str]) -> dict[str, str]:
    buckets = {}
    for text in given:
        domain, separator, bucket = text.partition("=")
        if not (domain and separator and bucket):
            raise WorldError(f"--cname requires DOMAIN=BUCKET, not {text!r}")
        buckets[domain] = bucket
    return buckets


def _startup_lines(oss: MockOSS) -> list[str]:
    lines = [f"mock OSS and STS at {oss.endpoint} (look inside: {oss.endpoint}/_mock/)"]
    if oss.seeded:
        lines.insert(0, f"stored {oss.seeded} object{'' if oss.seeded == 1 else 's'} from the seed")
    for bucket in oss.service.store.buckets.rows():
        lines.append(f"  bucket: {bucket.name} ({bucket.region}, {bucket.acl})")
    for domain, name in sorted(oss.cnames.items()):
        lines.append(f"  custom domain: http://{domain}:{oss.port} ({name})")
    if oss.refuse_public_endpoints:
        lines.append("  public endpoints of mainland regions refuse objects")
    for user in oss.world.users:
        for access_key_id, secret in user.keys.items():
            lines.append(f"  {user.name}: {access_key_id} / {secret}")
    lines += [f"  role: {role.arn}" for role in oss.world.roles]
    return lines


if __name__ == "__main__":
    sys.exit(main())

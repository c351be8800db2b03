"""The command ``mock-oss``: command-line options, startup messages, and running the server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from mock_oss.errors import MockOSSError, WorldError
from mock_oss.faults.plan import read_faults
from mock_oss.production import OVERRIDE, refuse_production
from mock_oss.server import MockOSS
from mock_oss.world.model import World

__all__ = ["app", "run_mock_oss"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

PortOption = Annotated[
    int,
    typer.Option(min=0, max=65535, metavar="PORT", help="Port to listen on; 0 selects a free one."),
]
HostOption = Annotated[str, typer.Option(metavar="HOST", help="Address to listen on.")]
DataDirOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Directory for all data, kept after the mock ends."),
]
WorldOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="TOML file with users, roles and buckets."),
]
SeedOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Store the files DIR/BUCKET/... that the bucket does not have yet."
    ),
]
FaultsOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="TOML or JSON file with planned faults."),
]
SeedIdsOption = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", help="Seed that makes all ids the same in every run."),
]
BucketOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="A bucket to create instead of those of the world; may be repeated."
    ),
]
CnameOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DOMAIN=BUCKET",
        help="A custom domain of a bucket, instead of those of the world; may be repeated.",
    ),
]
RefusePublicOption = Annotated[
    bool,
    typer.Option(
        "--refuse-public",
        help="Refuse operations on objects through public endpoints of mainland regions, as OSS "
        "does for new accounts.",
    ),
]
OverrideOption = Annotated[
    bool,
    typer.Option(
        OVERRIDE,
        help="Start although the address is reachable from the network, or the environment looks "
        "like production.",
    ),
]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="An additional host name that may open /_mock/; may be repeated."
    ),
]


@app.command("mock-oss")
def run_mock_oss(
    port: PortOption = 9000,
    host: HostOption = "127.0.0.1",
    data_dir: DataDirOption = None,
    world: WorldOption = None,
    seed: SeedOption = None,
    faults: FaultsOption = None,
    seed_ids: SeedIdsOption = None,
    bucket: BucketOption = None,
    cname: CnameOption = None,
    refuse_public_endpoints: RefusePublicOption = False,
    i_know_this_is_a_mock: OverrideOption = False,
    allow_host: AllowHostOption = None,
) -> None:
    """Run a mock Alibaba Cloud OSS and STS."""
    try:
        if not i_know_this_is_a_mock:
            refuse_production(host, os.environ)
        oss = MockOSS(
            host=host,
            port=port,
            data_dir=data_dir,
            world=None if world is None else World.load(world),
            buckets=bucket or None,
            cnames=_read_cnames(cname) if cname else None,
            refuse_public_endpoints=refuse_public_endpoints or None,
            seed=seed_ids,
            seed_dir=seed,
            faults=() if faults is None else read_faults(faults),
            allow_hosts=allow_host or (),
        )
        oss.run(on_ready=lambda: _print_startup(oss))
    except MockOSSError as e:
        typer.echo(f"mock-oss: {e}", err=True)
        raise typer.Exit(1) from e


def _read_cnames(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        domain, separator, bucket = text.partition("=")
        if not (domain and separator and bucket):
            raise WorldError(f"--cname requires DOMAIN=BUCKET, not {text!r}")
        found[domain] = bucket
    return found


def _print_startup(oss: MockOSS) -> None:
    if oss.seeded:
        typer.echo(f"stored {oss.seeded} object{'' if oss.seeded == 1 else 's'} from the seed")
    typer.echo(f"mock OSS and STS at {oss.endpoint} (look inside: {oss.endpoint}/_mock/)")
    for bucket in oss.service.store.buckets.all():
        typer.echo(f"  bucket: {bucket.name} ({bucket.region}, {bucket.acl})")
    for domain, name in sorted(oss.cnames.items()):
        typer.echo(f"  custom domain: http://{domain}:{oss.port} ({name})")
    if oss.refuse_public_endpoints:
        typer.echo("  public endpoints of mainland regions refuse objects")
    for user in oss.world.users:
        for access_key_id, secret in user.keys.items():
            typer.echo(f"  {user.name}: {access_key_id} / {secret}")
    for role in oss.world.roles:
        typer.echo(f"  role: {role.arn}")


if __name__ == "__main__":
    app()

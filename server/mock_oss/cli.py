"""The mock as a program: options, a line that says where it listens, and serving."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mock_oss.errors import MockOSSError
from mock_oss.server import MockOSS
from mock_oss.world import World

__all__ = ["app", "run_mock_oss"]

app = typer.Typer(add_completion=False)


@app.command("mock-oss")
def run_mock_oss(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 9000,
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    data_dir: Annotated[Path | None, typer.Option(help="Keep everything in this place.")] = None,
    world: Annotated[Path | None, typer.Option(help="TOML file: users, roles, buckets.")] = None,
    seed: Annotated[Path | None, typer.Option(help="Store the files of DIR/BUCKET/...")] = None,
    faults: Annotated[Path | None, typer.Option(help="TOML or JSON file of faults.")] = None,
    seed_ids: Annotated[int | None, typer.Option(help="The same ids in every run.")] = None,
    bucket: Annotated[list[str] | None, typer.Option(help="Buckets to have, and no other.")] = None,
) -> None:
    """Run a mock Alibaba Cloud OSS and STS."""
    try:
        oss = MockOSS(
            host=host,
            port=port,
            data_dir=data_dir,
            world=None if world is None else World.load(world),
            buckets=bucket or None,
            seed=seed_ids,
        )
        if faults is not None:
            oss.faults.load(faults)
        oss.run(on_ready=lambda: _greet(oss, seed))
    except MockOSSError as e:
        typer.echo(f"mock-oss: {e}", err=True)
        raise typer.Exit(1) from e


def _greet(oss: MockOSS, seed: Path | None) -> None:
    if seed is not None:
        count = oss.seed_objects(seed)
        typer.echo(f"stored {count} objects from {seed}")
    typer.echo(f"mock OSS and STS at {oss.endpoint} (look inside: {oss.endpoint}/_mock/)")
    for user in oss.world.users:
        for access_key_id, secret in user.keys.items():
            typer.echo(f"  {user.name}: {access_key_id} / {secret}")
    for role in oss.world.roles:
        typer.echo(f"  role: {role.arn}")


if __name__ == "__main__":
    app()

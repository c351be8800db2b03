"""Options that the commands `setup`, `teardown` and `policy` share, and the names in them.

This module loads only `typer`, so that the command line starts quickly.
"""

from collections.abc import Container
from dataclasses import fields
from typing import Annotated, Any, Literal, TypeAlias

import typer

from ossferry.errors import UsageError

Identity: TypeAlias = Annotated[
    Literal["user", "ecs"],
    typer.Option(
        help="How the server proves its identity: with the access key of a RAM user, or with the"
        " role of an ECS instance."
    ),
]
Bucket: TypeAlias = Annotated[str, typer.Option(metavar="NAME", help="Name of the bucket.")]
Region: TypeAlias = Annotated[
    str, typer.Option(metavar="REGION", help="Region of the bucket, such as cn-hangzhou.")
]
Origins: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        metavar="ORIGIN",
        help="Origin of the upload page, https://NAME; can be given more than once.",
    ),
]
RoleName: TypeAlias = Annotated[str, typer.Option(metavar="NAME", help="Name in RAM.")]
Doctor: TypeAlias = Annotated[
    bool, typer.Option(help="Let the server read the bucket's settings, for `ossferry doctor`.")
]
Domain: TypeAlias = Annotated[
    str, typer.Option(metavar="NAME", help="Custom domain of the bucket, files.example.com.")
]
Adopt: TypeAlias = Annotated[
    bool,
    typer.Option("--adopt", help="Also change what ossferry setup did not make for this bucket."),
]
AdoptRemoving: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--adopt",
        help="Also remove users, roles and policies that ossferry setup did not make for this"
        " bucket; never a bucket.",
    ),
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Only print the calls and documents; change nothing.")
]
JsonOutput: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", help="Do not ask before the first call.")]
Mock: TypeAlias = Annotated[
    str, typer.Option(metavar="URL", help="Rehearse on a mock OSS at this address.")
]
OssEndpoint: TypeAlias = Annotated[
    str, typer.Option(metavar="URL", help="Endpoint of OSS for the command's own requests.")
]


def names_of(context: typer.Context) -> dict[str, Any]:
    """Return the values of a command's options that become fields of `Wanted`, by field name.

    Most of these options name cloud resources. An option that was not given has its default value.
    """
    from ossferry.setup.wanted import Wanted

    given = dict(context.params)
    given["server"] = given.pop("server_name")
    given["origins"] = tuple(given.pop("origin") or ())
    return {field.name: given[field.name] for field in fields(Wanted) if field.name in given}


def refuse_names(context: typer.Context, *, plan: str, allowed: Container[str] = ()) -> None:
    """Raise an error if options contradict a plan file, which contains all fields of `Wanted`.

    Args:
        plan: the option that gives the plan file, such as `--apply`, for the error message.
        allowed: field names of `Wanted` whose options may be on the command line.

    Raises:
        UsageError: an option that becomes a field of `Wanted`, and is not in `allowed`, was given.
    """
    names = names_of(context)
    found = []
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        field = {"server_name": "server", "origin": "origins"}.get(
            str(parameter.name), str(parameter.name)
        )
        is_given = source is not None and source.name == "COMMANDLINE"
        if is_given and field in names and field not in allowed:
            found.append(parameter.opts[0])
    if found:
        raise UsageError(
            f"{', '.join(found)}: {plan} takes this from the plan; leave the option out, or write a"
            " new plan with `ossferry setup --plan`."
        )

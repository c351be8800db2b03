"""The commands `ossferry setup` and `ossferry teardown`: create or remove the cloud resources.

`names_of` reads the names of the cloud resources from the context. Each command imports its
dependencies when it is called, so that the command line starts quickly.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from ossferry.cli.setup import options

PlanOut: TypeAlias = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the plan into a file; change nothing.")
]
PlanIn: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Make the calls of a plan; it contains the names, too."),
]
FromPlan: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Remove what this plan of `ossferry setup` has made."),
]
KeyFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the access key into a new file of mode 600."),
]
EnvFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Update the settings in this file; its other lines stay."),
]
Pem: TypeAlias = Annotated[str, typer.Option(metavar="PEM", help="For the custom domain.")]


def setup(
    context: typer.Context,
    bucket: options.Bucket = "",
    region: options.Region = "",
    origin: options.Origins = None,
    identity: options.Identity = "ecs",
    domain: options.Domain = "",
    certificate: Pem = "",
    private_key: Pem = "",
    versioning: Annotated[bool, typer.Option(help="Keep old versions of objects.")] = False,
    role: options.RoleName = "oss-web-upload",
    objects_role: options.RoleName = "oss-web-objects",
    server_name: options.RoleName = "ossferry-server",
    doctor: options.Doctor = True,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make another access key.")] = False,
    key_file: KeyFileOption = None,
    env_file: EnvFile = None,
    dry_run: options.DryRun = False,
    plan: PlanOut = None,
    apply: PlanIn = None,
    adopt: options.Adopt = False,
    yes: options.Yes = False,
    json_output: options.JsonOutput = False,
    mock: options.Mock = "",
    oss_endpoint: options.OssEndpoint = "",
) -> None:
    """Make the bucket, the RAM roles and the server's identity, and print the server's settings.

    The command reads the account, prints the API calls that the set-up still needs, asks whether to
    make them, and makes them; with --yes, it does not ask, and prints only the calls that it made.
    If everything is set up, it makes no call. After a failure, run it again: it makes the remaining
    calls. The command uses your own credentials, for example from ALIBABA_CLOUD_ACCESS_KEY_ID and
    ALIBABA_CLOUD_ACCESS_KEY_SECRET.
    """
    from ossferry.cli.setup.cloud import Cloud
    from ossferry.cli.setup.run import Run, ending, refuse_existing

    with ending(json_output=json_output) as terminal:
        refuse_existing(plan)
        cloud = Cloud(mock=mock, oss_endpoint=oss_endpoint)
        planned = None
        if apply:
            options.refuse_names(context, plan="--apply")
            read = cloud.plan(apply)
            wanted, planned = read.wanted, read.calls
        else:
            wanted = cloud.wanted(options.names_of(context))
        run = Run(cloud=cloud, wanted=wanted, terminal=terminal)
        if dry_run or plan:
            run.plan(plan, new_key=new_key)
        else:
            run.make(key_file, env_file, planned=planned, new_key=new_key, yes=yes)


def teardown(
    context: typer.Context,
    bucket: options.Bucket = "",
    region: options.Region = "",
    origin: options.Origins = None,
    identity: options.Identity = "ecs",
    domain: options.Domain = "",
    role: options.RoleName = "oss-web-upload",
    objects_role: options.RoleName = "oss-web-objects",
    server_name: options.RoleName = "ossferry-server",
    from_plan: FromPlan = None,
    delete_objects: Annotated[
        bool, typer.Option("--delete-objects", help="Delete all objects of the bucket, too.")
    ] = False,
    dry_run: options.DryRun = False,
    adopt: options.AdoptRemoving = False,
    yes: options.Yes = False,
    json_output: options.JsonOutput = False,
    mock: options.Mock = "",
    oss_endpoint: options.OssEndpoint = "",
) -> None:
    """Remove the bucket, the RAM roles and the server's identity that `ossferry setup` has made.

    A bucket that contains objects stays, unless --delete-objects is given. A bucket that `setup`
    did not make always stays. The command prints the API calls that it will make, asks whether to
    make them, and makes them. Give the same names as for `setup`, or its plan with --from-plan.
    """
    from ossferry.cli.setup.cloud import Cloud
    from ossferry.cli.setup.run import Run, ending

    with ending(json_output=json_output) as terminal:
        cloud = Cloud(mock=mock, oss_endpoint=oss_endpoint)
        if from_plan:
            options.refuse_names(context, plan="--from-plan", allowed=("adopt",))
            wanted = cloud.plan(from_plan).wanted
        else:
            wanted = cloud.wanted(options.names_of(context))
        wanted = replace(wanted, adopt=adopt)
        run = Run(cloud=cloud, wanted=wanted, terminal=terminal)
        run.remove(delete_objects=delete_objects, dry_run=dry_run, yes=yes)

"""The command `ossferry policy`, which prints one document of the set-up, such as a RAM policy."""

import json
from typing import Annotated, Literal, TypeAlias

import typer

from ossferry.cli.output import JsonOption, json_line
from ossferry.cli.setup import options
from ossferry.errors import SettingsError, UsageError

Document: TypeAlias = Annotated[
    Literal[
        "role",
        "trust",
        "objects",
        "caller",
        "doctor",
        "server-trust",
        "links",
        "kill-switch",
        "kill-switch-operator",
        "bucket",
        "bucket-tags",
        "public-access",
        "versioning",
        "cors",
        "lifecycle",
    ],
    typer.Argument(help="Which document."),
]

# Values in place of options; a document that contains one needs the option.
ACCOUNT = "000000000000"
BUCKET = "bucket-that-was-not-given"
ORIGIN = "https://origin-that-was-not-given.invalid"
PLACEHOLDERS = {
    "account": ACCOUNT,
    "bucket": BUCKET,
    "origins": (ORIGIN,),
    "region": "cn-hangzhou",  # in no document
}


def policy(
    context: typer.Context,
    document: Document,
    account: Annotated[str, typer.Option(metavar="ID", help="Id of the cloud account.")] = "",
    bucket: options.Bucket = "",
    origin: options.Origins = None,
    role: options.RoleName = "oss-web-upload",
    objects_role: options.RoleName = "oss-web-objects",
    server_name: options.RoleName = "ossferry-server",
    identity: options.Identity = "ecs",
    as_json: JsonOption = False,
) -> None:
    """Print a document as the API expects it: a RAM policy as JSON, a bucket's setting as XML.

    The documents in XML are `bucket`, `bucket-tags`, `public-access`, `versioning`, `cors` and
    `lifecycle`. With --json, the output is one line of JSON: a RAM policy, or the XML as
    `{"document": "<...>"}`.

    `role` and `objects` are the policies of the two roles that the server assumes, and `trust` is
    the trust policy of both. `caller` is the policy of the server's own user or role, and
    `server-trust` is the trust policy of the server's own role.
    """
    from ossferry.setup.documents import compact, pretty
    from ossferry.setup.wanted import Wanted

    given = {name: value for name, value in options.names_of(context).items() if value}
    try:
        wanted = Wanted(**{**PLACEHOLDERS, **given})
    except SettingsError as error:
        raise UsageError(str(error)) from error
    text = compact(document, wanted)
    for option, name, value in (
        ("--account", "account", ACCOUNT),
        ("--bucket", "bucket", BUCKET),
        ("--origin", "origins", ORIGIN),
    ):
        if name not in given and value in text:
            raise UsageError(f"{option}: `ossferry policy {document}` needs this option.")
    if as_json:
        json_line(json.loads(text) if text.startswith("{") else {"document": text})
    else:
        typer.echo(pretty(text))

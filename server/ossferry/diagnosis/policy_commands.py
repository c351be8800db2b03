"""Commands to recommend in findings: they print or apply the correct documents of a set-up."""


def policy_command(document: str, *options: tuple[str, str]) -> str:
    """Return the command `ossferry policy …`, in backticks, that prints a document.

    Args:
        document: name of the document, such as `cors`.
        options: names and values of the command's options, such as `("--account", "123")`.
    """
    words = ["ossferry policy", document, *(f"{name} {value}" for name, value in options)]
    return f"`{' '.join(words)}`"


def setup_does_it(more: str = "") -> str:
    """Return a sentence that says that another run of `ossferry setup` applies a fix.

    Args:
        more: options that are needed in addition to those of the first run; may be empty.
    """
    return f"`ossferry setup` with {f'{more} and ' if more else ''}the same options does this."


def trust_command(role_arn: str, caller_arn: str) -> str:
    """Return the command, in backticks, that prints the trust policy for a role.

    With this policy, the role trusts the server's identity.

    Args:
        role_arn: the ARN of the role, which the server assumes.
        caller_arn: the ARN of the server's identity. If this is neither a user nor an assumed role,
            the command contains the placeholder `NAME`.
    """
    kind, _, name = caller_arn.rpartition(":")[2].partition("/")
    server = name.partition("/")[0] or "NAME"
    identity = [("--identity", "user")] if kind == "user" else []
    return policy_command(
        "trust", ("--account", _account(role_arn)), *identity, ("--server-name", server)
    )


def caller_command(role_arn: str, objects_role_arn: str | None) -> str:
    """Return the command, in backticks, that prints the RAM policy for the server's own identity.

    Args:
        role_arn: ARN of the role whose credentials browsers get.
        objects_role_arn: ARN of the server's role for stored objects; None if there is none.
    """
    objects = [("--objects-role", _name(objects_role_arn))] if objects_role_arn else []
    return policy_command(
        "caller", ("--account", _account(role_arn)), ("--role", _name(role_arn)), *objects
    )


def _account(arn: str) -> str:
    return arn.split(":")[3]


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]

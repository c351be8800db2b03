"""The commands that print the right documents of a set-up, for the fixes of findings."""


def policy_command(document: str, *options: tuple[str, str]) -> str:
    """Return the command that prints a document, in backticks.

    Args:
        document: such as `cors`.
        options: names and values of the options that the document needs.
    """
    words = ["ossferry policy", document, *(f"{name} {value}" for name, value in options)]
    return f"`{' '.join(words)}`"


def setup_does_it(more: str = "") -> str:
    """Return the last sentence of a fix that `ossferry setup` applies if it runs again.

    Args:
        more: the options that it needs besides those of the first time.
    """
    return f"`ossferry setup` with {f'{more} and ' if more else ''}the same options does this."


def trust_command(role_arn: str, caller_arn: str) -> str:
    """Return the command that prints the trust policy of a role that the server assumes.

    Args:
        caller_arn: the ARN of the server's identity, a user or an assumed role; if it is something
            else, the command has a placeholder.
    """
    kind, _, name = caller_arn.rpartition(":")[2].partition("/")
    server = name.partition("/")[0] or "NAME"
    identity = [("--identity", "user")] if kind == "user" else []
    return policy_command(
        "trust", ("--account", _account(role_arn)), *identity, ("--server-name", server)
    )


def caller_command(role_arn: str, objects_role_arn: str | None) -> str:
    """Return the command that prints the policy of the server's own user or role."""
    objects = [("--objects-role", _name(objects_role_arn))] if objects_role_arn else []
    return policy_command(
        "caller", ("--account", _account(role_arn)), ("--role", _name(role_arn)), *objects
    )


def _account(arn: str) -> str:
    return arn.split(":")[3]


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]

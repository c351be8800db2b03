"""The commands in the fixes of checks name the entities of the set-up."""

import pytest

from ossferry.diagnosis.policy_commands import caller_command, policy_command, trust_command

ROLE = "acs:ram::1000000000000000:role/up"


def test_a_command_has_the_options_that_its_document_needs() -> None:
    origins = (("--origin", "https://a.example"), ("--origin", "https://b.example"))

    assert policy_command("lifecycle") == "`ossferry policy lifecycle`"
    assert policy_command("cors", *origins) == (
        "`ossferry policy cors --origin https://a.example --origin https://b.example`"
    )


@pytest.mark.parametrize(
    ("caller", "options"),
    [
        ("acs:ram::1000000000000000:user/app", "--identity user --server-name app"),
        ("acs:ram::1000000000000000:assumed-role/app/session", "--server-name app"),
        ("acs:ram::1000000000000000:root", "--server-name NAME"),
        ("the server's identity", "--server-name NAME"),
    ],
    ids=["user", "role", "account", "unknown"],
)
def test_the_trust_policy_is_for_the_identity_of_the_server(caller: str, options: str) -> None:
    command = f"`ossferry policy trust --account 1000000000000000 {options}`"

    assert trust_command(ROLE, caller) == command


def test_the_servers_policy_is_for_the_roles_in_the_settings() -> None:
    start = "`ossferry policy caller --account 1000000000000000 --role up"

    assert caller_command(ROLE, None) == f"{start}`"
    assert caller_command(ROLE, f"{ROLE}-2") == f"{start} --objects-role up-2`"

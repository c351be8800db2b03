"""A demo of the kill switch: it invalidates issued tokens immediately, and can be undone."""

import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import httpx
import oss2
import pytest

from mock_oss import User, World
from ossferry.cli.demo import SERVER, WORLD, Demo
from ossferry.errors import CloudError
from ossferry.oss.kill_switch import DENY, KillSwitch
from ossferry.oss.sts import access_key
from support.after_upload import operators_bucket
from support.commands import Ran, environment, run
from support.uploads import put, recorded

RAM = Path(__file__).parents[3] / "deploy/ram"
OPERATOR = User(
    name="on-call",
    user_id="200000000000000009",
    keys={"LTAI5tMockOnCall": "MockOnCallSecret00000000000001"},
    policies=((RAM / "kill-switch-operator-policy.json").read_text(),),
)


@pytest.fixture(scope="module")
def running_demo(web_dir: Path) -> Iterator[Demo]:
    """A demo in whose account an operator may use the kill switch."""
    world = World(users=(*WORLD.users, OPERATOR), roles=WORLD.roles)
    with (
        patch("ossferry.uploads.refused.SETTLE", timedelta()),
        Demo(web_dir=web_dir, world=world) as demo,
    ):
        administrator = switch(demo, WORLD.users[0])  # creates the policy once
        administrator.on()
        administrator.off()
        yield demo


def switch(demo: Demo, user: User) -> KillSwitch:
    ((key, secret),) = user.keys.items()
    return KillSwitch(demo.settings, access_key(key, secret), demo.settings.role_arn)


def test_t19_the_drill(demo: Demo, site: httpx.Client) -> None:
    ours = switch(demo, OPERATOR)
    put(demo, site, b"before")

    ours.on()
    ours.on()
    assert ours.is_on()
    with pytest.raises(oss2.exceptions.AccessDenied):
        put(demo, site, b"while it is on")
    ours.off()
    ours.off()

    assert not ours.is_on()
    put(demo, site, b"after")


def test_t48_the_server_cannot_turn_it(demo: Demo) -> None:
    server = next(user for user in WORLD.users if user.name == "ossferry-server")

    with pytest.raises(CloudError, match=r"RAM refused AttachPolicyToRole \(NoPermission\)"):
        switch(demo, server).on()


def test_t48_who_turns_it_can_write_no_policy(web_dir: Path) -> None:
    world = World(users=(*WORLD.users, OPERATOR), roles=WORLD.roles)
    with (
        Demo(web_dir=web_dir, world=world) as untouched,
        pytest.raises(CloudError, match=r"RAM refused CreatePolicy \(NoPermission\)"),
    ):
        switch(untouched, OPERATOR).on()


def test_the_policy_it_makes_is_the_shipped_one() -> None:
    assert json.loads((RAM / "kill-switch.json").read_text()) == DENY


def command(demo: Demo, *arguments: str, user: User = OPERATOR) -> Ran:
    """Run `ossferry` with the credentials of a user."""
    return run(*arguments, environment=environment(demo, user))


def hash_of_alice(demo: Demo) -> str:
    head, *lines = command(demo, "admin", "principals").out.splitlines()
    assert head == "hash\tname\tfiles\tbytes\tlast upload\trevoked"
    return next(line.split("\t")[0] for line in lines if line.split("\t")[1] == "Alice")


@pytest.mark.parametrize(
    ("options", "said"), [((), "on\n"), (("--json",), '{"kill_switch": "on"}\n')]
)
def test_the_command_turns_it(demo: Demo, options: tuple[str, ...], said: str) -> None:
    done = command(demo, "admin", "kill-switch", "on", *options)

    assert (done.code, done.out) == (0, said), done.err
    assert switch(demo, OPERATOR).is_on()
    switch(demo, OPERATOR).off()


def test_somebody_is_shut_out_and_let_in_again(demo: Demo, site: httpx.Client) -> None:
    recorded(demo, site)
    alice = hash_of_alice(demo)

    shut = command(demo, "admin", "revoke", alice)
    refused = wait_for(site, 403)
    restored = command(demo, "admin", "restore", alice, "--json")
    again = wait_for(site, 200)
    in_json = json.loads(command(demo, "admin", "revoke", alice, "--json").out)
    command(demo, "admin", "restore", alice)

    assert (shut.code, refused["code"], again["principal"]) == (0, "revoked", {"name": "Alice"})
    assert shut.out == ""
    assert json.loads(restored.out) == {"hash": alice, "revoked_at": None}
    assert in_json == {"hash": alice, "revoked_at": in_json["revoked_at"]}
    assert in_json["revoked_at"].endswith("Z")


def wait_for(site: httpx.Client, status: int) -> dict[str, object]:
    """Request grants until the server answers with this status; return the answer."""
    answer = site.post("/api/grant")
    for _ in range(100):
        if answer.status_code == status:
            break
        time.sleep(0.1)
        answer = site.post("/api/grant")
    assert answer.status_code == status
    found: dict[str, object] = answer.json()
    return found


def test_limits_are_set_and_uploads_exported(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site, name="=cmd.txt")
    alice = hash_of_alice(demo)

    limited = command(demo, "admin", "quota", alice, "--bytes-day", "1")
    refused = wait_for(site, 429)
    shown = command(demo, "admin", "quota", alice)
    cleared = command(demo, "admin", "quota", alice, "--clear")
    wait_for(site, 200)
    exported = command(demo, "admin", "uploads", "--principal", alice).out
    as_json = command(demo, "admin", "uploads", "--principal", alice, "--json").out
    limits = command(demo, "admin", "quota", alice, "--json").out
    later = command(demo, "admin", "uploads", "--since", "2999-01-01").out

    assert (limited.code, refused["code"]) == (0, "quota-exceeded")
    assert shown.out == limited.out
    assert shown.out.splitlines()[0] == "limit\tused\tallowed\tset by"
    assert re.search(r"^bytes_day\t[0-9]+\t1\tadmin$", shown.out, re.MULTILINE)
    assert re.search(r"^bytes_day\t[0-9]+\t-\tsettings$", cleared.out, re.MULTILINE)
    assert f",{upload.key},5,{upload.report['crc64']}," in exported
    assert len(later.splitlines()) == 1
    rows = [json.loads(line) for line in as_json.splitlines()]
    assert (upload.key, 5, None) in [(row["key"], row["size"], row["deleted_at"]) for row in rows]
    (by_day,) = [row for row in map(json.loads, limits.splitlines()) if row["limit"] == "bytes_day"]
    assert (by_day["allowed"], by_day["set_by"]) == (None, "settings")


def test_lists_of_principals_and_differences_are_json_on_demand(
    demo: Demo, site: httpx.Client
) -> None:
    command(demo, "admin", "reconcile", user=SERVER)
    silent = put(demo, site, b"without a receipt")
    gone = recorded(demo, site)
    operators_bucket(demo).delete_object(gone.key)

    differences = command(demo, "admin", "reconcile", "--json", user=SERVER).out
    again = command(demo, "admin", "reconcile", user=SERVER)
    people = command(demo, "admin", "principals", "--json").out

    told = {(row["difference"], row["key"]) for row in map(json.loads, differences.splitlines())}
    assert told == {("found", silent.key), ("gone", gone.key)}
    assert (again.code, again.out) == (0, "")
    (alice,) = [row for row in map(json.loads, people.splitlines()) if row["name"] == "Alice"]
    assert (alice["hash"], alice["revoked_at"]) == (hash_of_alice(demo), None)


def test_an_unknown_principal_is_one_sentence(demo: Demo) -> None:
    for arguments in (("revoke", "nobody"), ("quota", "nobody"), ("reconcile", "nobody")):
        done = command(demo, "admin", *arguments)
        assert done.complaint.startswith(
            "ossferry: there is no principal nobody; `ossferry admin principals`"
        )


def test_the_admin_page_shows_limits_and_uploads(demo: Demo, site: httpx.Client) -> None:
    upload = recorded(demo, site)
    alice = hash_of_alice(demo)
    command(demo, "admin", "quota", alice, "--bytes-total", "1500000")

    page = site.get("/admin", headers={"sec-fetch-site": "none"})
    hers = site.get("/admin", params={"principal": alice})
    table = site.get("/admin/uploads.csv")
    command(demo, "admin", "quota", alice, "--clear")

    assert page.status_code == 200
    assert "1.5 MB</span> in total" in page.text
    assert ("Show everybody" in page.text, "Show everybody" in hers.text) == (False, True)
    assert "Last uploads of Alice" in hers.text
    assert upload.key in table.text


def test_a_browser_gets_a_page_about_a_refusal(demo: Demo, site: httpx.Client) -> None:
    site.post("/demo/user", json={"user": "bob"})

    shown = site.get("/admin", headers={"accept": "text/html,*/*;q=0.8"})
    nowhere = site.get("/nowhere", headers={"accept": "text/html"})

    for each, title in ((shown, "This is for administrators"), (nowhere, "Not Found")):
        assert each.headers["content-type"].startswith("text/html")
        assert f"<h1>{title}</h1>" in each.text
    assert (shown.status_code, nowhere.status_code) == (403, 404)

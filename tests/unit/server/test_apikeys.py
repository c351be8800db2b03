"""API keys: 128 random bits, stored as a keyed hash, with one refusal for all kinds of invalid
keys.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest
from starlette.requests import Request

from ossferry.authentication.apikey import ApiKey, ApiKeyAuth, ApiKeyFile, new_key, parse_key
from ossferry.errors import BadRequestError, NotIdentifiedError, SettingsError
from ossferry.settings.model import Settings
from support.server_fakes import NO_KEYS, FakeClock, MakeClient, MakeSettings

MakeKey: TypeAlias = Callable[..., ApiKey]
"""Creates a key for a user."""


@pytest.fixture
def file(keys_file: Path) -> ApiKeyFile:
    return ApiKeyFile(keys_file)


@pytest.fixture
def settings(make_settings: MakeSettings, keys_file: Path) -> Settings:
    return make_settings(auth="apikey", api_keys_file=keys_file)


@pytest.fixture
def keyed(settings: Settings, file: ApiKeyFile, clock: FakeClock) -> MakeKey:
    """Return a function that creates a key for a user."""

    def make(user: str = "carol", **more: object) -> ApiKey:
        key = new_key()
        file.add(key, secret=settings.secret_bytes, user=user, created=clock(), **more)
        return key

    return make


@pytest.fixture
def programme(settings: Settings, make_client: MakeClient) -> httpx.Client:
    return make_client(auth="apikey", api_keys_file=settings.api_keys_file)


def ask(client: httpx.Client, text: str) -> httpx.Response:
    return client.post("/api/grant", headers={"authorization": f"Bearer {text}"})


def test_a_key_has_a_prefix_128_random_bits_and_a_checksum() -> None:
    asked: list[int] = []

    def chance(count: int) -> bytes:
        asked.append(count)
        return b"\xa5" * count

    key = new_key(chance)

    assert asked[-1] == 16
    assert key.text.startswith(f"osf_{key.id}_")
    assert parse_key(key.text) == key
    assert key.text not in repr(key)


@pytest.mark.parametrize("byte", [0x00, 0x17, 0xFF], ids=["lowest", "x at the end", "highest"])
def test_every_key_that_is_made_has_the_right_form(byte: int) -> None:
    key = new_key(lambda count: bytes([byte]) * count)

    assert parse_key(key.text) == key


def test_t20_a_mistyped_key_is_known_without_looking_anything_up() -> None:
    text = new_key().text

    for at in range(4, len(text)):
        wrong = text[:at] + ("a" if text[at] != "a" else "b") + text[at + 1 :]
        assert parse_key(wrong) is None


def test_a_key_opens_its_users_prefix_and_is_named_in_the_audit_line(
    programme: httpx.Client, keyed: MakeKey, audit_lines: list[dict[str, str]]
) -> None:
    key = keyed("carol")

    answer = ask(programme, key.text)

    assert answer.status_code == 200
    assert answer.json()["prefix"].startswith("uploads/carol-")
    assert answer.json()["principal"] == {"name": "carol"}
    (line,) = audit_lines
    assert (line["outcome"], line["key_id"]) == ("issued", key.id)
    assert "reason" not in line


def test_t20_the_file_has_a_hash_of_each_key_and_only_its_owner_reads_it(
    keys_file: Path, keyed: MakeKey, settings: Settings, clock: FakeClock
) -> None:
    keys_file.chmod(0o644)

    key = keyed()

    assert keys_file.stat().st_mode & 0o777 == 0o600
    assert key.keyed_hash(settings.secret_bytes) != key.keyed_hash(b"another secret")
    assert json.loads(keys_file.read_text()) == {
        "version": 1,
        "keys": [
            {
                "id": key.id,
                "hash": key.keyed_hash(settings.secret_bytes),
                "user": "carol",
                "created": clock().isoformat(timespec="seconds"),
                "expires": "",
                "revoked": "",
                "addresses": [],
            }
        ],
    }


def test_the_file_is_written_beside_its_old_version(
    tmp_path: Path, keyed: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "another file system"))

    keyed()

    assert sorted(path.name for path in tmp_path.glob("keys*")) == ["keys.json", "keys.json.lock"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_made_by_root_takes_the_file_from_nobody(
    keyed: MakeKey, keys_file: Path, tmp_path: Path
) -> None:
    os.chown(keys_file, 12345, 12345)

    keyed()

    made = [(tmp_path / name).stat() for name in ("keys.json", "keys.json.lock")]
    assert {(each.st_uid, each.st_gid) for each in made} == {(12345, 12345)}


def test_a_file_that_cannot_be_read_any_more_is_named_in_the_log(
    programme: httpx.Client, keyed: MakeKey, keys_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = keyed()
    keys_file.write_text("no keys")

    answer = ask(programme, key.text)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "OSSFERRY_API_KEYS_FILE" not in answer.text
    assert "keys.json is not a file of API keys (it is not JSON)" in caplog.text


@pytest.mark.parametrize("has_new_size", [True, False], ids=["size", "file"])
def test_t18_a_changed_file_is_read_again_even_if_its_time_is_the_same(
    file: ApiKeyFile, keyed: MakeKey, keys_file: Path, has_new_size: bool
) -> None:
    keyed()
    before = keys_file.stat()
    assert len(file.records()) == 1
    written = keys_file if has_new_size else keys_file.with_name("new.json")
    written.write_text(NO_KEYS if has_new_size else NO_KEYS.ljust(before.st_size))
    written.replace(keys_file)
    os.utime(keys_file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert file.records() == {}


def test_an_unchanged_file_is_read_once(file: ApiKeyFile, keyed: MakeKey) -> None:
    keyed()

    assert file.records() is file.records()


def test_t20_all_that_is_wrong_with_a_key_looks_the_same_and_only_the_audit_line_says_what(
    programme: httpx.Client,
    keyed: MakeKey,
    file: ApiKeyFile,
    clock: FakeClock,
    audit_lines: list[dict[str, str]],
) -> None:
    revoked, ended, elsewhere = (
        keyed(),
        keyed(expires=clock().isoformat()),
        keyed(addresses=("198.51.100.0/24",)),
    )
    file.revoke(revoked.id, clock())
    unknown, wrong = new_key(), new_key()
    file.add(wrong, secret=b"the server had another secret", user="carol", created=clock())

    texts = (revoked.text, ended.text, elsewhere.text, unknown.text, wrong.text, "osf_x", "x")
    answers = [ask(programme, text) for text in texts]

    problems = [{**answer.json(), "id": ""} for answer in answers]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert all(problem == problems[0] for problem in problems)
    assert len({len(answer.content) for answer in answers}) == 1
    assert [(line.get("key_id"), line["reason"]) for line in audit_lines] == [
        (revoked.id, "revoked"),
        (ended.id, "expired"),
        (elsewhere.id, "address"),
        (unknown.id, "unknown-key"),
        (wrong.id, "wrong-key"),
        (None, "malformed"),
        (None, "malformed"),
    ]


def test_t18_a_key_may_be_bound_to_addresses(programme: httpx.Client, keyed: MakeKey) -> None:
    assert ask(programme, keyed(addresses=("192.0.2.0/24",)).text).status_code == 200


def test_a_client_of_a_socket_for_both_protocols_has_its_address_of_ipv4(
    file: ApiKeyFile, keyed: MakeKey
) -> None:
    keyed(addresses=("192.0.2.0/24",))

    (record,) = file.records().values()
    assert record.allows("::ffff:192.0.2.7")


def test_t18_a_key_bound_to_addresses_needs_a_known_address(
    file: ApiKeyFile, settings: Settings, keyed: MakeKey, clock: FakeClock
) -> None:
    authenticator = ApiKeyAuth(file, secret=settings.secret_bytes, clock=clock)
    header = (b"authorization", f"Bearer {keyed(addresses=('0.0.0.0/0',)).text}".encode())
    without_address = Request({"type": "http", "headers": [header], "client": None})

    with pytest.raises(NotIdentifiedError):
        asyncio.run(authenticator.identify(without_address))


def test_a_key_ends(programme: httpx.Client, keyed: MakeKey, clock: FakeClock) -> None:
    key = keyed(expires=(clock() + timedelta(days=1)).isoformat())
    assert ask(programme, key.text).status_code == 200

    clock.advance(86_400)

    assert ask(programme, key.text).status_code == 401


@pytest.mark.parametrize("user", ["Carol", "\uff43arol", "carol ", "", "ca\nrol", "\ufb01"])
def test_t12_an_id_with_look_alikes_is_not_registered(
    file: ApiKeyFile, clock: FakeClock, user: str
) -> None:
    with pytest.raises(BadRequestError, match=r"^Write the user id as '.*', its canonical form\.$"):
        file.add(new_key(), secret=b"s", user=user, created=clock())

    assert file.records() == {}


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("everywhere", "'everywhere' does not appear to be an IPv4 or IPv6 network"),
        ("192.0.2.7/24", "192.0.2.7/24 has host bits set"),
    ],
)
def test_an_address_that_is_none_is_not_kept(keyed: MakeKey, address: str, why: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        keyed(addresses=(address,))

    assert str(refused.value) == f"An address must look like 192.0.2.0/24: {why}."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"{}", "its keys are missing or incomplete"),
        (b'{"keys": [{"id": "a"}]}', "its keys are missing or incomplete"),
        (b'{"keys": 5}', "its keys are missing or incomplete"),
    ],
)
def test_a_file_that_has_no_keys_stops_the_start(
    make_client: MakeClient, keys_file: Path, content: bytes, why: str
) -> None:
    keys_file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        make_client(auth="apikey", api_keys_file=keys_file)

    assert str(caught.value) == (
        f"OSSFERRY_API_KEYS_FILE: {keys_file} is not a file of API keys ({why}); restore it, or"
        " remove it and make new keys with `ossferry apikey create USER`."
    )


def test_a_file_that_cannot_be_opened_stops_the_start(
    make_client: MakeClient, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        make_client(auth="apikey", api_keys_file=tmp_path)

    assert str(caught.value) == (
        f"OSSFERRY_API_KEYS_FILE: {tmp_path} cannot be read (Is a directory); correct the path, or"
        " let the server's user read the file."
    )


def test_revoking_a_key_that_is_not_there_is_told(file: ApiKeyFile, clock: FakeClock) -> None:
    with pytest.raises(BadRequestError, match="no key abc"):
        file.revoke("abc", clock())

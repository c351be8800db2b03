"""The built-in check that finds keys in text files."""

from pathlib import Path

import pytest

from ossferry_checks import Ask
from ossferry_checks.builtin import secret_keys
from ossferry_checks.builtin.secret_keys import secrets_check
from support.checking import answer, written

CHECK = secrets_check()
ID = "LTAI" + "5tBcDeFgHiJkLmNoPqRs"
PEM = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEA7bq98Zk3m2Qf\n"


def question(kinds: str, number: int) -> str:
    return f"The file seems to contain secret keys ({kinds}; {number} in total). Upload it anyway?"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"id = {ID}", "Alibaba Cloud AccessKey"),
        ("LTAI" + "AbCdEfGhIjKl\n", "Alibaba Cloud AccessKey"),
        ('"STS.' + 'NTuC9RVmWJJw3p2RzkxX5yZ1k"', "temporary Alibaba Cloud AccessKey"),
        ("AKIA" + "Z7Q2M4KD9WXT5BRN", "AWS access key"),
        ("ASIA" + "Z7Q2M4KD9WXT5BRN", "AWS access key"),
        ("ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "GitHub token"),
        ("github_pat_" + "11ABCDEFG0" * 6, "GitHub token"),
        ("xoxb-" + "123456789012-abcdefABCDEF", "Slack token"),
        (PEM, "private key"),
        (PEM.replace("RSA ", "").replace("\n", "\\n"), "private key"),
        (PEM.replace("RSA", "OPENSSH"), "private key"),
        (
            "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----\n\nlQOYBGQexampleB7bq98Zk3m2Qf",
            "private key",
        ),
    ],
)
def test_a_key_is_found_and_not_repeated(tmp_path: Path, text: str, kind: str) -> None:
    said = answer(CHECK, written(tmp_path, "a.txt", f"first line\nsecond: {text} end\n"))

    assert said == Ask(question(kind, 1), line=2)
    assert text[:12] not in said.question


@pytest.mark.parametrize(
    "text",
    [
        "",
        "LTAI is the start of an AccessKey id",
        "LTAI" + "x" * 20,
        "LTAI" + "*" * 16,
        "AKIA" + "IOSFODNN7EXAMPLE",
        "xLTAI" + "5tBcDeFgHiJkLmNoPqRs",
        "LTAI" + "5tBcDeFgHiJkLmNoPqRs" * 3,
        "TESTS.abcdefghijkl123456",
        "STS.AssumeRoleWithOidcRequest",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOC",
        "lines between -----BEGIN PRIVATE " + "KEY----- and -----END PRIVATE KEY-----",
        "password = hunter2",
        "xoxb-your-token-goes-right-here",
    ],
)
def test_other_texts_pass(tmp_path: Path, text: str) -> None:
    assert answer(CHECK, written(tmp_path, "a.txt", f"{text}\n")) is None


def test_all_keys_are_counted_and_the_first_line_is_named(tmp_path: Path) -> None:
    content = f"\n\n{PEM}\n{ID}\n{ID[:-1]}X {ID[:-1]}Y\n"

    assert answer(CHECK, written(tmp_path, "id_rsa", content)) == Ask(
        question("private key, Alibaba Cloud AccessKey", 4), line=3
    )


def test_a_binary_file_is_not_looked_at(tmp_path: Path) -> None:
    assert answer(CHECK, written(tmp_path, "a.bin", f"\0\n{ID}\n")) is None


def test_utf_16_is_a_text(tmp_path: Path) -> None:
    file = written(tmp_path, "a.txt", f"字\n字 {ID}\n".encode("utf-16"))

    assert answer(CHECK, file) == Ask(question("Alibaba Cloud AccessKey", 1), line=2)


@pytest.mark.parametrize("before", range(0, 600, 37))
def test_a_key_at_the_end_of_a_block_is_found_once(tmp_path: Path, before: int) -> None:
    start = "a line of text\n" * (secret_keys.BLOCK // 15 + 1)
    start = start[: secret_keys.BLOCK - before - 1] + "\n"
    content = f"{start}{ID}\n" + "another line\n" * 1000

    assert answer(CHECK, written(tmp_path, "a.txt", content)) == Ask(
        question("Alibaba Cloud AccessKey", 1), line=start.count("\n") + 1
    )


def test_the_question_is_in_the_language_of_the_person(tmp_path: Path) -> None:
    file = written(tmp_path, "a.txt", ID)
    file.language = "ja"

    said = answer(CHECK, file)

    assert isinstance(said, Ask)
    assert said.question.startswith("秘密の鍵が含まれているようです")

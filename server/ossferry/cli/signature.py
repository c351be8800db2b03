"""The command `ossferry explain-signature`, which shows what OSS signs and what a client signed.

The secret is never printed, and a hash replaces each security token. The command imports its
dependencies when it is called, so that the command line starts quickly.
"""

import os
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ossferry.cli.output import JsonOption, json_line, note, plain
from ossferry.clock import utc_now
from ossferry.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from ossferry.signatures.answers import OssAnswer
    from ossferry.signatures.explanation import Explanation
    from ossferry.signatures.form_explanation import FormExplanation
    from ossferry.signatures.forms import SignedForm
    from ossferry.signatures.signed import SignedRequest

__all__ = ["signature_commands"]

signature_commands = typer.Typer()

MOST_BYTES = 1 << 20
REQUEST_ITSELF = re.compile(r"https?://|curl(\.exe)?\s", re.IGNORECASE)
"""An argument that is a request, not the name of a file. It may contain a token: do not print it.
"""
SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"  # noqa: S105 - the name of a variable
KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"


@signature_commands.command("explain-signature")
def explain_signature(
    request: Annotated[
        str,
        typer.Argument(
            help="A signed URL, or a file, or - for stdin, with a request from the browser's"
            " developer tools: a curl command (Copy as cURL), the lines of an HTTP request, or a"
            " signed URL. For a form (PostObject), the request with its body, or a JSON object of"
            " its fields."
        ),
    ],
    response: Annotated[
        Path | None,
        typer.Option(help="A file with OSS's answer, such as the XML of SignatureDoesNotMatch."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with the access key secret. Without it, ALIBABA_CLOUD_ACCESS_KEY_SECRET is"
            " used if ALIBABA_CLOUD_ACCESS_KEY_ID is the key of the request."
        ),
    ] = None,
    bucket: Annotated[
        str, typer.Option(help="The bucket, if the request goes to a custom domain.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show the canonical request, the string to sign and the signature of a request to OSS.

    For a form, show the policy with each of its conditions instead of the canonical request. With
    OSS's answer, mark the lines in which OSS's texts differ. With the secret, check the signature,
    and search for common mistakes. In any case, print the probable cause.
    """
    from ossferry.signatures.answers import read_answer
    from ossferry.signatures.explanation import explain
    from ossferry.signatures.form_explanation import explain_form
    from ossferry.signatures.forms import read_form
    from ossferry.signatures.requests import read_request
    from ossferry.signatures.signed import read_signature

    if not request.strip():
        raise UsageError("REQUEST is empty: give a signed URL, or a file with the request.")
    text = request if REQUEST_ITSELF.match(request) else _text(request, "REQUEST")
    answer = read_answer(_text(str(response), "--response")) if response else None
    form = read_form(text, bucket=bucket)
    if form is not None:
        secret = _secret(secret_file, form.access_key_id)
        found = explain_form(form, secret=secret, answer=answer, now=utc_now())
        (_print_form_json if as_json else _print_form)(form, found, answer)
        return
    signed = read_signature(read_request(text), bucket=bucket)
    secret = _secret(secret_file, signed.access_key_id)
    explanation = explain(signed, secret=secret, answer=answer, now=utc_now())
    (_print_json if as_json else _print_text)(signed, explanation, answer)


def _text(name: str, option: str) -> str:
    """Return the text of a file, or of stdin for ``-``.

    Raises:
        SettingsError: the file cannot be read, is not text, or is too large for a request.
    """
    try:
        if name == "-":
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{option}: {name} cannot be read ({reason}).") from error
    if len(content) > MOST_BYTES:
        raise SettingsError(f"{option}: {name} is larger than 1 MB; leave out the body.")
    return text


def _secret(path: Path | None, access_key_id: str) -> str:
    """Return the secret of an access key; empty if it is not given."""
    if path is not None:
        secret = _text(str(path), "--secret-file").strip()
        if not secret:
            raise SettingsError("--secret-file: the file is empty.")
        return secret
    secret = os.environ.get(SECRET, "")
    if secret and os.environ.get(KEY_ID) != access_key_id:
        note(
            f"{SECRET} is not used, because the request is signed with the access key"
            f" {plain(access_key_id)}; give its secret with --secret-file."
        )
        return ""
    return secret


def _print_json(
    signed: "SignedRequest", explanation: "Explanation", answer: "OssAnswer | None"
) -> None:
    from ossferry.signatures.explanation import without_tokens

    expected = explanation.expected
    json_line(
        {
            "version": signed.version,
            "place": signed.place,
            "access_key_id": signed.access_key_id,
            "bucket": signed.bucket,
            "key": signed.key,
            "canonical_request": without_tokens(explanation.canonical_request),
            "string_to_sign": without_tokens(explanation.string_to_sign),
            "oss_code": answer.code if answer else None,
            "oss_canonical_request": without_tokens(answer.canonical_request) if answer else None,
            "oss_string_to_sign": without_tokens(answer.string_to_sign) if answer else None,
            "signature": signed.provided,
            "expected_signature": expected or None,
            "is_right": expected == signed.provided if expected else None,
            "causes": explanation.causes,
        }
    )


def _print_text(
    signed: "SignedRequest", explanation: "Explanation", answer: "OssAnswer | None"
) -> None:
    typer.echo(f"{signed.version} signature in the {signed.place}")
    _section("Access key", [signed.access_key_id])
    _section("Object", [f"{signed.bucket}/{signed.key}"])
    if explanation.canonical_request:
        theirs = answer.canonical_request if answer else ""
        _compare("Canonical request", explanation.canonical_request, theirs)
    theirs = answer.string_to_sign if answer else ""
    _compare("String to sign", explanation.string_to_sign, theirs)
    _section("Signature in the request", [signed.provided])
    _of_both(explanation.expected, answer, explanation.causes)


def _print_form_json(
    form: "SignedForm", explanation: "FormExplanation", answer: "OssAnswer | None"
) -> None:
    expected, ends = explanation.expected, explanation.policy.expires_at
    json_line(
        {
            "version": "V4",
            "place": "form",
            "access_key_id": form.access_key_id,
            "bucket": form.bucket,
            "key": form.fields.get("key"),
            "policy": explanation.policy.text,
            "expires_at": ends.isoformat() if ends else None,
            "conditions": [asdict(each) for each in explanation.conditions],
            "string_to_sign": explanation.string_to_sign,
            "oss_code": answer.code if answer else None,
            "oss_policy": explanation.oss_policy or None,
            "signature": form.provided,
            "expected_signature": expected or None,
            "is_right": expected == form.provided if expected else None,
            "causes": explanation.causes,
        }
    )


def _print_form(
    form: "SignedForm", explanation: "FormExplanation", answer: "OssAnswer | None"
) -> None:
    typer.echo("V4 signature in a form")
    _section("Access key", [form.access_key_id])
    _section("Object", [f"{form.bucket or '?'}/{form.fields.get('key', '')}"])
    _compare("Policy", explanation.policy.text, explanation.oss_policy)
    marks = {True: "holds  ", False: "fails  ", None: "unknown"}
    conditions = [f"{marks[each.holds]}  {each.text}" for each in explanation.conditions]
    _section("Conditions", conditions)
    ends = explanation.policy.expires_at
    _section("Expires", [f"{ends:%Y-%m-%d %H:%M:%S} UTC" if ends else "?"])
    _section("String to sign", [explanation.string_to_sign])
    _section("Signature in the form", [form.provided])
    _of_both(explanation.expected, answer, explanation.causes)


def _of_both(expected: str, answer: "OssAnswer | None", causes: list[str]) -> None:
    """Print the end that requests and forms share."""
    if expected:
        _section("Signature with this secret", [expected])
    if answer:
        _section("OSS's answer", [f"{answer.code}: {answer.message} ({answer.request_id})"])
    _section("Probable cause", causes)


def _compare(title: str, ours: str, theirs: str) -> None:
    """Print a text, with marks where OSS's text differs."""
    from ossferry.signatures.differences import line_differences
    from ossferry.signatures.explanation import without_tokens

    ours, theirs = without_tokens(ours), without_tokens(theirs)
    if theirs and theirs != ours:
        title += " (- in the request, + at OSS)"
        lines = line_differences(ours, theirs)
    else:
        lines = [f"  {line}" for line in ours.split("\n")]
    _section(title, lines, indent="")


def _section(title: str, lines: list[str], *, indent: str = "  ") -> None:
    typer.echo(f"\n{title}")
    for line in lines:
        typer.echo(indent + plain(line))

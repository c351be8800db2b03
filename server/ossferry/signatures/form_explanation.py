"""Explains the signature of a form: its policy, and the probable cause if OSS refuses the form."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ossferry.errors import BadRequestError
from ossferry.signatures.answers import OssAnswer
from ossferry.signatures.explanation import causes_of_code, causes_of_scope
from ossferry.signatures.form_policy import Condition, FormPolicy, read_policy
from ossferry.signatures.forms import TOKEN_FIELD, SignedForm

__all__ = ["FormExplanation", "explain_form"]

MAX_AGE = timedelta(days=7)
"""How long OSS accepts a form after its ``x-oss-date``."""

LISTED = ("x-oss-signature-version", "x-oss-credential", "x-oss-date")
"""Fields that OSS accepts only with a condition in the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormExplanation:
    """The texts of a form's signature, and what is wrong with it.

    Attributes:
        string_to_sign: the policy as the form has it; a description if it contains a token.
        oss_policy: the policy that OSS has signed, decoded; empty if it is unknown.
        expected: the signature that the secret gives for the form; empty without a secret.
        causes: sentences, the most important first; the first one also says if nothing is wrong.
    """

    policy: FormPolicy
    conditions: list[Condition]
    string_to_sign: str
    oss_policy: str
    expected: str
    causes: list[str]


def explain_form(
    form: SignedForm, *, secret: str = "", answer: OssAnswer | None = None, now: datetime
) -> FormExplanation:
    """Return the texts of a form, and the probable causes for which OSS refuses it.

    Args:
        secret: the access key secret; empty if it is unknown.
        answer: OSS's answer to this form; None if it is unknown.

    Raises:
        BadRequestError: the policy of the form cannot be read.
    """
    policy = read_policy(form.policy)
    conditions = policy.conditions(form.fields, form.bucket)
    expected = form.signature(secret) if secret else ""
    theirs = answer.string_to_sign if answer else ""
    causes = [
        *causes_of_code(answer),
        *_of_policy_at_oss(form, theirs),
        *causes_of_scope(
            day=form.day,
            date=form.date,
            region=form.region,
            endpoint_region=form.endpoint_region,
        ),
        *_of_time(form, policy, now),
        *_of_conditions(form, conditions),
    ]
    if not causes or (expected and expected != form.provided):
        causes += _of_signature(form, secret, expected, saw_oss=bool(theirs))
    return FormExplanation(
        policy=policy,
        conditions=conditions,
        string_to_sign=_shown(form.policy, policy),
        oss_policy=_decoded(theirs),
        expected=expected,
        causes=causes,
    )


def _shown(text: str, policy: FormPolicy) -> str:
    if not policy.has_token:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"the policy in base64, {len(text)} characters (sha256 {digest}…); it contains a token"


def _decoded(text: str) -> str:
    try:
        return read_policy(text).text if text else ""
    except BadRequestError:
        return ""


def _of_policy_at_oss(form: SignedForm, theirs: str) -> Iterator[str]:
    if not theirs or theirs == form.policy:
        return
    if not _decoded(theirs):
        yield "OSS's string to sign is incomplete; copy the whole answer."
    else:
        yield (
            "The policy differs: OSS received another policy than the form has; a proxy or the page"
            " changed it, or the answer belongs to another form."
        )


def _of_time(form: SignedForm, policy: FormPolicy, now: datetime) -> Iterator[str]:
    if policy.expires_at is None:
        yield "The policy has no expiration like 2026-03-14T10:26:53.000Z."
    elif policy.expires_at < now:
        yield f"The policy expired at {policy.expires_at:%Y-%m-%d %H:%M:%S} UTC; get a new form."
    signed_at = datetime.strptime(form.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if now - signed_at > MAX_AGE:
        yield f"The form was signed at {signed_at:%Y-%m-%d %H:%M:%S} UTC; OSS allows 7 days."


def _of_conditions(form: SignedForm, conditions: Sequence[Condition]) -> Iterator[str]:
    named = {condition.name for condition in conditions}
    token = (TOKEN_FIELD,) if form.fields.get(TOKEN_FIELD) else ()
    for name in (*LISTED, *token):
        if name not in named:
            yield f"The policy has no condition for the field {name}, which OSS needs."
    for condition in conditions:
        if condition.holds is False:
            yield condition.reason
    if form.ignored:
        yield (
            f"OSS ignores {', '.join(form.ignored)}, because it comes after the file; the file must"
            " be the last field."
        )


def _of_signature(form: SignedForm, secret: str, expected: str, *, saw_oss: bool) -> Iterator[str]:
    if not secret:
        yield (
            "OSS signed the same policy as the form has: the client used another secret, or signed"
            " another text. Give the secret to see which."
            if saw_oss
            else "The signature cannot be checked without the secret (--secret-file), or OSS's"
            " answer (--response)."
        )
    elif expected == form.provided:
        yield (
            "The signature is right for this form and this secret, and OSS signed the same policy:"
            f" OSS has another secret for the access key {form.access_key_id}."
            if saw_oss
            else "The signature is right for this form and this secret. If OSS refuses it, OSS"
            " received another form: give its answer with --response."
        )
    else:
        yield next(
            (words for words, signed in _mistakes(form, secret) if signed == form.provided),
            "No common mistake explains the signature: the client used another secret, or signed"
            " another text than the field policy.",
        )


def _mistakes(form: SignedForm, secret: str) -> Iterator[tuple[str, str]]:
    """Yield common mistakes of a client: a sentence, and the signature that results."""
    text = base64.b64decode(form.policy).decode()
    yield (
        "The client signed the JSON of the policy, and not its base64.",
        form.signature(secret, policy=text),
    )
    yield "The client signed the policy with the method of V1 (HMAC-SHA1).", _v1(form, secret)
    for separators in ((",", ":"), (", ", ": ")):
        again = json.dumps(json.loads(text), separators=separators).encode()
        yield (
            "The client signed the policy, and sent another text of the same JSON.",
            form.signature(secret, policy=base64.b64encode(again).decode()),
        )
    for end in ("\n", "\r\n", " "):
        words = "The client's secret ends in a space or a line break; remove it."
        yield words, form.signature(secret + end)
    for region in (form.endpoint_region, f"oss-{form.region}", form.region.removeprefix("oss-")):
        if region and region != form.region:
            words = f"The client signed for the region {region} and named {form.region}."
            yield words, form.signature(secret, region=region)


def _v1(form: SignedForm, secret: str) -> str:
    digest = hmac.new(secret.encode(), form.policy.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()

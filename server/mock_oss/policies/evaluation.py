"""RAM policies: parsing, matching and evaluation, independent of I/O, time and HTTP.

A matching Deny statement takes precedence over a matching Allow statement. If no statement matches,
the action is not allowed. If a role session has a session policy, both the session policy and the
role's policies must allow the action. Names of elements, operators, effects and actions are
case-sensitive. If the request has no value for a condition key, only negated operators are
satisfied. Source: RAM documentation, "Policy elements" and "Policy evaluation process".
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, NamedTuple

from mock_oss.http.documents import read_json
from mock_oss.policies.conditions import Condition, parse_conditions
from mock_oss.policies.globs import globs

_STATEMENT_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "Condition"}
_TRUST_KEYS = {"Sid", "Effect", "Action", "Principal", "Condition"}


class PolicyError(ValueError):
    """Raised if a text is not a valid policy; the message names the invalid element."""


class Decision(StrEnum):
    """The decision of a policy evaluation: allow, explicit deny or implicit deny."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One parsed statement of a RAM policy.

    `effect` is `Allow` or `Deny`. The regular expressions `actions` and `resources` match whole
    names. If `negated` is true, `actions` comes from a NotAction element. A statement of a trust
    policy has `principals`, the (kind, value) pairs of its Principal element, and None as
    `resources`; other statements have no principals. `source` is the statement as JSON text.
    """

    effect: str
    actions: re.Pattern[str]
    negated: bool
    resources: re.Pattern[str] | None
    conditions: tuple[Condition, ...]
    principals: tuple[tuple[str, str], ...]
    source: str

    def matches(self, question: "Question") -> bool:
        """Return whether the statement applies to a question.

        It does if its actions and resources include those of the question, and the question's
        context satisfies all its conditions. Principals are not compared. A statement of a trust
        policy matches any resource.
        """
        if (self.actions.fullmatch(question.action) is not None) is self.negated:
            return False
        if self.resources is not None and not self.resources.fullmatch(question.resource):
            return False
        if not self.conditions:
            return True
        return all(condition.holds(question.context) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed RAM policy; `name` identifies the policy in a `Verdict`."""

    name: str
    statements: tuple[Statement, ...]


@dataclass(slots=True)
class Question:
    """The question that a policy evaluation answers: is this action allowed on this resource?

    Args:
        action: the RAM action, such as `oss:PutObject`.
        resource: the ARN of the resource.
        _context: a mapping from condition key to the request's value, or a function that returns
            this mapping. The function is called when the first condition is evaluated.
    """

    action: str
    resource: str
    _context: Mapping[str, str] | Callable[[], Mapping[str, str]]

    @property
    def context(self) -> Mapping[str, str]:
        """The request's values for conditions, as a mapping from condition key to value."""
        if callable(self._context):
            self._context = self._context()
        return self._context


class Verdict(NamedTuple):
    """The result of a policy evaluation: the decision, and the policy and statement that caused it.

    `policy` is the name of the policy, and `statement` the statement as JSON text. Both are None if
    no statement matched.
    """

    decision: Decision
    policy: str | None = None
    statement: str | None = None

    @property
    def allowed(self) -> bool:
        """Whether the action is allowed."""
        return self.decision is Decision.ALLOW

    def why(self, action: str, resource: str | None, caller: str, **more: Any) -> dict[str, Any]:
        """Return JSON-ready details about a refusal because of this verdict, for the journal.

        Args:
            action: the RAM action.
            resource: the ARN of the resource; None if policies were not evaluated.
            caller: the ARN of the caller.
            more: further details.
        """
        return {
            "kind": "policy",
            "decision": str(self.decision),
            "policy": self.policy,
            "statement": self.statement,
            "action": action,
            "resource": resource,
            "caller": caller,
            **more,
        }


NOTHING_MATCHED = Verdict(Decision.IMPLICIT_DENY)


def evaluate(policies: Iterable[Policy], question: Question) -> Verdict:
    """Evaluate a set of policies and return the verdict.

    The verdict is an explicit deny if any Deny statement matches, otherwise allow if any Allow
    statement matches, otherwise an implicit deny.
    """
    verdict = NOTHING_MATCHED
    for policy in policies:
        for statement in policy.statements:
            if not statement.matches(question):
                continue
            if statement.effect == "Deny":
                return Verdict(Decision.EXPLICIT_DENY, policy.name, statement.source)
            if not verdict.allowed:
                verdict = Verdict(Decision.ALLOW, policy.name, statement.source)
    return verdict


def evaluate_session(
    role_policies: Sequence[Policy], session_policy: Policy | None, question: Question
) -> Verdict:
    """Evaluate the policies of a role session and return the verdict.

    If there is a session policy, and it does not allow the action, its verdict is returned.
    Otherwise the verdict of the role's policies is returned.
    """
    if session_policy is not None:
        verdict = evaluate((session_policy,), question)
        if not verdict.allowed:
            return verdict
    return evaluate(role_policies, question)


def trusts(
    trust: Policy, principals: Iterable[tuple[str, str]], context: Mapping[str, str]
) -> bool:
    """Return whether a role's trust policy allows a caller to assume the role.

    Args:
        trust: the trust policy.
        principals: the caller's identities as (kind, value) pairs. For the kind `RAM`, the value
            is an ARN; for the kind `Service`, the value is the name of the service.
        context: a mapping from condition key, such as `sts:ExternalId`, to the request's value.
    """
    known = set(principals)
    question = Question("sts:AssumeRole", "", context)
    fitting = [
        statement
        for statement in trust.statements
        if known.intersection(statement.principals) and statement.matches(question)
    ]
    return bool(fitting) and all(statement.effect == "Allow" for statement in fitting)


@lru_cache(maxsize=1024)
def parse_policy(text: str, name: str, *, trust: bool = False) -> Policy:
    """Parse a RAM policy.

    Args:
        text: the JSON document.
        name: the name of the policy in verdicts.
        trust: whether it is the trust policy of a role, whose statements have principals and no
            resources, and not a policy of a user, a role or a role session.

    Raises:
        PolicyError: the document is not a valid policy.
    """
    try:
        document = read_json(text)
    except ValueError as e:
        raise PolicyError(f"not JSON: {e}") from e
    if not isinstance(document, dict) or document.keys() - {"Version", "Statement"}:
        raise PolicyError("a policy is an object of Version and Statement")
    if document.get("Version") != "1":
        raise PolicyError('Version must be the string "1"')
    statements = document.get("Statement")
    if not isinstance(statements, list) or not statements:
        raise PolicyError("Statement must be a list with at least one statement")
    return Policy(name, tuple(_statement(item, trust=trust) for item in statements))


parse_trust_policy = partial(parse_policy, trust=True)


def _statement(item: object, *, trust: bool) -> Statement:
    if not isinstance(item, dict):
        raise PolicyError("a statement is an object")
    allowed = _TRUST_KEYS if trust else _STATEMENT_KEYS
    if unknown := item.keys() - allowed:
        raise PolicyError(f"a statement has no element {sorted(unknown)[0]}")
    if item.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError("Effect must be Allow or Deny")
    if ("Action" in item) == ("NotAction" in item):
        raise PolicyError("a statement has exactly one of Action and NotAction")
    try:
        conditions = parse_conditions(item.get("Condition", {}))
    except ValueError as e:
        raise PolicyError(str(e)) from e
    action = "NotAction" if "NotAction" in item else "Action"
    return Statement(
        effect=item["Effect"],
        actions=globs(_texts(item[action], action)),
        negated=action == "NotAction",
        resources=None if trust else globs(_texts(item.get("Resource"), "Resource")),
        conditions=conditions,
        principals=_principals(item.get("Principal")) if trust else (),
        source=json.dumps(item, ensure_ascii=False),
    )


def _texts(value: Any, name: str) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        raise PolicyError(f"{name} must be a string or a list of strings")
    return values


def _principals(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or value.keys() - {"RAM", "Service", "Federated"}:
        raise PolicyError("Principal must be an object of RAM, Service or Federated")
    return tuple((kind, text) for kind in value for text in _texts(value[kind], kind))

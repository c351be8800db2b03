"""The steps of `ossferry setup`: each compares a part of the account with the wanted state.

A step changes only what differs. It refuses to change a resource that another person or program has
created, unless `Wanted.adopt` is set.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from ossferry.errors import CloudError
from ossferry.identity.object_keys import TRASH, UPLOADS
from ossferry.oss.sdk import ENABLED, PRIVATE, LifecycleRule
from ossferry.setup.account import Account
from ossferry.setup.calls import Needs, Step
from ossferry.setup.documents import (
    ABORT_AFTER_DAYS,
    ABORT_RULE,
    TRASH_AFTER_DAYS,
    TRASH_RULE,
    compact,
    cors_text,
    is_same_rule,
    other_rules,
)
from ossferry.setup.wanted import Wanted

DOCUMENTS = {"Role": "AssumeRolePolicyDocument", "Policy": "PolicyDocument"}
"""The member of a role or a policy that has its document."""

ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
MAX_KEYS = 2


def making_steps(wanted: Wanted, account: Account, *, new_key: bool = False) -> list[Step]:
    """Return the steps that create the wanted state, in the order in which they must run.

    Args:
        new_key: whether to create another access key if the server's user already has one.
    """
    making = _Making(wanted, account)
    steps = [
        # The server's policy comes first: an empty bucket that is younger was made by the set-up.
        Step(f"identity {wanted.server}", making.server),
        *([Step(f"policy {wanted.doctor_policy}", making.doctor)] if wanted.doctor else []),
        Step(f"bucket {wanted.bucket}", making.bucket),
        Step("Block Public Access", making.public_access),
        *([Step("versioning", making.versioning)] if wanted.versioning else []),
        Step("CORS rule", making.cors),
        Step("lifecycle rule", making.lifecycle),
        Step(f"role {wanted.role}", lambda: making.role(wanted.role, "role")),
        Step(f"role {wanted.objects_role}", lambda: making.role(wanted.objects_role, "objects")),
    ]
    if wanted.identity == "user":
        steps.append(Step("access key", lambda: making.access_key(new_key=new_key)))
    if wanted.domain:
        steps.append(Step(f"domain {wanted.domain}", making.domain))
    return steps


class _Making:
    """The needs of each step."""

    def __init__(self, wanted: Wanted, account: Account) -> None:
        self._wanted = wanted
        self._account = account

    def bucket(self) -> Needs:
        """Make the bucket and mark it; never mark a bucket that is adopted."""
        needs, wanted = Needs(), self._wanted
        found = self._account.bucket.info()
        is_ours = found is None or self._account.made_bucket(found)
        if not is_ours and not wanted.adopt:
            raise CloudError(
                f"the bucket {wanted.bucket} exists, and ossferry setup did not make it: choose"
                " another name with --bucket, or give --adopt to change its settings."
            )
        if found is None:
            needs.oss("PutBucket", Configuration=compact("bucket", wanted))
        elif found.acl != PRIVATE:
            if not wanted.adopt:
                raise CloudError(
                    f"the bucket {wanted.bucket} is {found.acl}: give --adopt to make it private."
                )
            needs.oss("PutBucketAcl", Acl=PRIVATE)
        if is_ours and (found is None or not self._account.bucket.tags()):
            needs.oss("PutBucketTags", Configuration=compact("bucket-tags", wanted))
        return needs

    def public_access(self) -> Needs:
        needs = Needs()
        if not self._account.bucket.blocks_public_access():
            document = compact("public-access", self._wanted)
            needs.oss("PutBucketPublicAccessBlock", Configuration=document)
        return needs

    def versioning(self) -> Needs:
        needs = Needs()
        if self._account.bucket.versioning() != ENABLED:
            document = compact("versioning", self._wanted)
            needs.oss("PutBucketVersioning", Configuration=document)
        return needs

    def cors(self) -> Needs:
        """Put the rule first, because OSS uses the first rule that matches; keep other rules."""
        needs = Needs()
        wanted = self._wanted
        found = self._account.bucket.cors()
        others = other_rules(found, wanted)
        if others:
            needs.notes.append(f"other CORS rules of the bucket stay: {len(others)}.")
        ready = (
            found is not None
            and found.varies
            and bool(found.rules)
            and is_same_rule(found.rules[0], wanted)
        )
        if not ready:
            needs.oss("PutBucketCors", Configuration=cors_text(wanted, others))
        return needs

    def lifecycle(self) -> Needs:
        """Put the rule if there is no other one: a rule may have more than this program reads."""
        needs = Needs()
        rules = self._account.bucket.lifecycle_rules()
        missing = [
            text
            for text, is_there in (
                (f"delete parts below uploads/ after {ABORT_AFTER_DAYS} day", _aborts_parts),
                (f"delete objects below trash/ after {TRASH_AFTER_DAYS} days", _empties_trash),
            )
            if not any(is_there(each) for each in rules)
        ]
        if missing and {each.id for each in rules} - {ABORT_RULE, TRASH_RULE}:
            needs.notes.append(
                "the bucket has lifecycle rules of its own; add this in the OSS console:"
                f" {'; '.join(missing)}."
            )
        elif missing:
            document = compact("lifecycle", self._wanted)
            needs.oss("PutBucketLifecycle", Configuration=document)
        return needs

    def server(self) -> Needs:
        wanted, needs = self._wanted, Needs()
        if wanted.identity == "user":
            found = self._account.user(wanted.server)
            self._check_ours("user", wanted.server, found, "Comments")
            if found is None:
                needs.ram("CreateUser", UserName=wanted.server, Comments=wanted.mark)
        else:
            self._made(needs, "Role", wanted.server, "server-trust")
        self._grant(needs, wanted.server_kind, wanted.server, "caller", policy=wanted.server)
        self._note_other_identity(needs)
        return needs

    def _note_other_identity(self, needs: Needs) -> None:
        """Add a note if an earlier set-up with another `--identity` has left a user or role."""
        wanted, account = self._wanted, self._account
        if wanted.identity == "user":
            role = account.role(wanted.server)
            if role is not None and role.get("Description") == wanted.mark:
                needs.notes.append(
                    f"the role {wanted.server} of an earlier set-up still exists: delete it in the"
                    " RAM console when no server uses it."
                )
            return
        user = account.user(wanted.server)
        if user is not None and user.get("Comments") == wanted.mark:
            keys = ", ".join(account.keys(wanted.server)) or "none"
            needs.notes.append(
                f"the user {wanted.server} of an earlier set-up still exists, with long-term access"
                f" keys ({keys}): delete it in the RAM console when no server uses it."
            )

    def doctor(self) -> Needs:
        wanted, needs = self._wanted, Needs()
        kind, policy = wanted.server_kind, wanted.doctor_policy
        self._grant(needs, kind, wanted.server, "doctor", policy=policy)
        return needs

    def role(self, name: str, document: str) -> Needs:
        needs = Needs()
        self._made(needs, "Role", name, "trust")
        self._grant(needs, "Role", name, document, policy=name)
        return needs

    def access_key(self, *, new_key: bool) -> Needs:
        wanted, needs = self._wanted, Needs()
        keys = self._account.keys(wanted.server)
        if keys and not new_key:
            needs.notes.append(
                f"the user {wanted.server} has the access key {', '.join(keys)}, whose secret was"
                " shown when it was made; --new-key makes another one."
            )
            return needs
        if len(keys) >= MAX_KEYS:
            raise CloudError(
                f"the user {wanted.server} has {MAX_KEYS} access keys already,"
                f" {' and '.join(keys)}: delete the one that no server uses, in the RAM console."
            )
        needs.ram("CreateAccessKey", UserName=wanted.server)
        return needs

    def domain(self) -> Needs:
        wanted, needs = self._wanted, Needs()
        found = self._account.bucket.domain()
        params = {"Domain": wanted.domain}
        if found is None:
            needs.oss("CreateCnameToken", **params)
        elif not wanted.certificate or found.certificate_ends:
            return needs
        if wanted.certificate:
            params["CertificateFile"] = wanted.certificate
            params["PrivateKeyFile"] = wanted.private_key
        needs.oss("PutCname", **params)
        return needs

    def _made(
        self, needs: Needs, kind: Literal["Role", "Policy"], name: str, document: str
    ) -> None:
        """Make a role or a policy with a document, or replace its document."""
        find = self._account.role if kind == "Role" else self._account.policy
        found, text, member = find(name), compact(document, self._wanted), DOCUMENTS[kind]
        self._check_ours(kind.lower(), name, found, "Description")
        who = {f"{kind}Name": name}
        if found is None:
            needs.ram(f"Create{kind}", **who, **{member: text}, Description=self._wanted.mark)
        elif json.loads(found[member]) == json.loads(text):
            return
        elif kind == "Role":
            needs.ram("UpdateRole", **who, **{f"New{member}": text})
        else:
            version = {"SetAsDefault": "true", "RotateStrategy": ROTATE}
            needs.ram("CreatePolicyVersion", **who, **{member: text}, **version)

    def _grant(
        self, needs: Needs, kind: Literal["User", "Role"], name: str, document: str, *, policy: str
    ) -> None:
        """Make a policy with a document, and attach it to a user or role."""
        self._made(needs, "Policy", policy, document)
        if ("Custom", policy) not in self._account.attached(kind, name):
            whom = {f"{kind}Name": name}
            needs.ram(f"AttachPolicyTo{kind}", PolicyType="Custom", PolicyName=policy, **whom)

    def _check_ours(
        self, kind: str, name: str, found: Mapping[str, Any] | None, label: str
    ) -> None:
        """Refuse an entity that was not made by `ossferry setup` for this bucket.

        Raises:
            CloudError: the entity is somebody else's.
        """
        if found is None or self._wanted.adopt or found.get(label) == self._wanted.mark:
            return
        options = {
            self._wanted.role: "--role",
            self._wanted.objects_role: "--objects-role",
            self._wanted.server: "--server-name",
            self._wanted.doctor_policy: "--server-name",
        }
        raise CloudError(
            f"the {kind} {name} exists, and ossferry setup did not make it for the bucket"
            f" {self._wanted.bucket}: choose another name with {options[name]}, or give --adopt to"
            " change it."
        )


def _aborts_parts(rule: LifecycleRule) -> bool:
    """Return whether a lifecycle rule deletes the parts of all uploads after a day."""
    return rule.covers(UPLOADS) and rule.abort_days == ABORT_AFTER_DAYS


def _empties_trash(rule: LifecycleRule) -> bool:
    """Return whether a lifecycle rule deletes everything below `trash/` after some days."""
    return rule.covers(TRASH) and bool(rule.delete_days)

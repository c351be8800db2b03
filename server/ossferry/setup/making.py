"""The steps of `ossferry setup`: each compares a part of the account with the wanted state.

A step changes only what differs. It refuses to change a resource that another person or program has
created, unless `Wanted.adopt` is set.
"""

import json
from typing import Literal

from ossferry.errors import CloudError
from ossferry.identity.object_keys import INCOMING, TRASH, UPLOADS
from ossferry.oss.sdk import ENABLED, PRIVATE
from ossferry.setup.account import Account, Entity, Kind
from ossferry.setup.calls import Needs, Step, oss, ram
from ossferry.setup.documents import (
    ABORT_AFTER_DAYS,
    RULES,
    TRASH_AFTER_DAYS,
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
        wanted = self._wanted
        found = self._account.bucket.info()
        is_ours = found is None or self._account.made_bucket(found)
        if not is_ours and not wanted.adopt:
            raise CloudError(
                f"the bucket {wanted.bucket} exists, and ossferry setup did not make it: choose"
                " another name with --bucket, or give --adopt to change its settings."
            )
        if found is None:
            yield oss("PutBucket", Configuration=compact("bucket", wanted))
        elif found.acl != PRIVATE:
            if not wanted.adopt:
                raise CloudError(
                    f"the bucket {wanted.bucket} is {found.acl}: give --adopt to make it private."
                )
            yield oss("PutBucketAcl", Acl=PRIVATE)
        if is_ours and (found is None or not self._account.bucket.tags()):
            yield oss("PutBucketTags", Configuration=compact("bucket-tags", wanted))

    def public_access(self) -> Needs:
        if not self._account.bucket.blocks_public_access():
            document = compact("public-access", self._wanted)
            yield oss("PutBucketPublicAccessBlock", Configuration=document)

    def versioning(self) -> Needs:
        if self._account.bucket.versioning() != ENABLED:
            document = compact("versioning", self._wanted)
            yield oss("PutBucketVersioning", Configuration=document)

    def cors(self) -> Needs:
        """Put the rule first, because OSS uses the first rule that matches; keep other rules."""
        wanted = self._wanted
        found = self._account.bucket.cors()
        others = other_rules(found, wanted)
        if others:
            yield f"other CORS rules of the bucket stay: {len(others)}."
        ready = (
            found is not None
            and found.varies
            and bool(found.rules)
            and is_same_rule(found.rules[0], wanted)
        )
        if not ready:
            yield oss("PutBucketCors", Configuration=cors_text(wanted, others))

    def lifecycle(self) -> Needs:
        """Put the rule if there is no other one: a rule may have more than this program reads."""
        rules = self._account.bucket.lifecycle_rules()
        missing = [
            f"delete parts below {place} after {ABORT_AFTER_DAYS} day"
            for place in (UPLOADS, INCOMING)
            if not any(each.covers(place) and each.abort_days == ABORT_AFTER_DAYS for each in rules)
        ]
        if not any(each.covers(TRASH) and each.delete_days for each in rules):
            missing.append(f"delete objects below trash/ after {TRASH_AFTER_DAYS} days")
        if missing and {each.id for each in rules} - RULES:
            yield (
                "the bucket has lifecycle rules of its own; add this in the OSS console:"
                f" {'; '.join(missing)}."
            )
        elif missing:
            document = compact("lifecycle", self._wanted)
            yield oss("PutBucketLifecycle", Configuration=document)

    def server(self) -> Needs:
        wanted = self._wanted
        if wanted.identity != "user":
            yield from self._made("Role", wanted.server, "server-trust")
        elif self._found("User", wanted.server) is None:
            yield ram("CreateUser", UserName=wanted.server, Comments=wanted.mark)
        yield from self._grant_server("caller", wanted.server)
        yield from self._note_other_identity()

    def _note_other_identity(self) -> Needs:
        """Add a note if an earlier set-up with another `--identity` has left a user or role."""
        name, account = self._wanted.server, self._account
        kind: Kind = "Role" if self._wanted.identity == "user" else "User"
        if not account.is_ours(kind, account.entity(kind, name)):
            return
        if kind == "Role":
            yield (
                f"the role {name} of an earlier set-up still exists: delete it in the RAM console"
                " when no server uses it."
            )
        else:
            keys = ", ".join(account.keys(name)) or "none"
            yield (
                f"the user {name} of an earlier set-up still exists, with long-term access keys"
                f" ({keys}): delete it in the RAM console when no server uses it."
            )

    def doctor(self) -> Needs:
        yield from self._grant_server("doctor", self._wanted.doctor_policy)

    def role(self, name: str, document: str) -> Needs:
        yield from self._made("Role", name, "trust")
        yield from self._grant("Role", name, document, policy=name)

    def _grant_server(self, document: str, policy: str) -> Needs:
        kind, name = self._wanted.server_kind, self._wanted.server
        yield from self._grant(kind, name, document, policy=policy)

    def access_key(self, *, new_key: bool) -> Needs:
        wanted = self._wanted
        keys = self._account.keys(wanted.server)
        if keys and not new_key:
            yield (
                f"the user {wanted.server} has the access key {', '.join(keys)}, whose secret was"
                " shown when it was made; --new-key makes another one."
            )
        elif len(keys) >= MAX_KEYS:
            raise CloudError(
                f"the user {wanted.server} has {MAX_KEYS} access keys already,"
                f" {' and '.join(keys)}: delete the one that no server uses, in the RAM console."
            )
        else:
            yield ram("CreateAccessKey", UserName=wanted.server)

    def domain(self) -> Needs:
        wanted = self._wanted
        found = self._account.bucket.domain()
        params = {"Domain": wanted.domain}
        if found is None:
            yield oss("CreateCnameToken", **params)
        elif not wanted.certificate or found.certificate_ends:
            return
        if wanted.certificate:
            params["CertificateFile"] = wanted.certificate
            params["PrivateKeyFile"] = wanted.private_key
        yield oss("PutCname", **params)

    def _made(self, kind: Literal["Role", "Policy"], name: str, document: str) -> Needs:
        """Make a role or a policy with a document, or replace its document."""
        found, who = self._found(kind, name), {f"{kind}Name": name}
        text, member = compact(document, self._wanted), DOCUMENTS[kind]
        if found is None:
            yield ram(f"Create{kind}", **who, **{member: text}, Description=self._wanted.mark)
        elif json.loads(found[member]) == json.loads(text):
            return
        elif kind == "Role":
            yield ram("UpdateRole", **who, **{f"New{member}": text})
        else:
            version = {"SetAsDefault": "true", "RotateStrategy": ROTATE}
            yield ram("CreatePolicyVersion", **who, **{member: text}, **version)

    def _grant(
        self, kind: Literal["User", "Role"], name: str, document: str, *, policy: str
    ) -> Needs:
        """Make a policy with a document, and attach it to a user or role."""
        yield from self._made("Policy", policy, document)
        if ("Custom", policy) not in self._account.attached(kind, name):
            whom = {f"{kind}Name": name}
            yield ram(f"AttachPolicyTo{kind}", PolicyType="Custom", PolicyName=policy, **whom)

    def _found(self, kind: Kind, name: str) -> Entity | None:
        """Return an entity, or None if it does not exist.

        Raises:
            CloudError: the entity was not made by `ossferry setup` for this bucket.
        """
        wanted, found = self._wanted, self._account.entity(kind, name)
        if found is None or wanted.adopt or self._account.is_ours(kind, found):
            return found
        options = {wanted.role: "--role", wanted.objects_role: "--objects-role"}
        raise CloudError(
            f"the {kind.lower()} {name} exists, and ossferry setup did not make it for the bucket"
            f" {wanted.bucket}: choose another name with {options.get(name, '--server-name')}, or"
            " give --adopt to change it."
        )

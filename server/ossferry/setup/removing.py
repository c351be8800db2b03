"""The steps of `ossferry teardown`: each removes a part of what `ossferry setup` has created.

Resources that `ossferry setup` did not create for this bucket are kept. If `Wanted.adopt` is set,
users, roles and policies with the wanted names are removed anyway, but a bucket that another
program created is still kept.
"""

from collections.abc import Generator, Sequence
from typing import Literal, TypeAlias, TypeVar

from ossferry.errors import CloudError
from ossferry.oss.cors_rule import cors_document
from ossferry.oss.kill_switch import POLICY_NAME
from ossferry.setup.account import Account, Entity, Kind
from ossferry.setup.calls import Call, Needs, Step, oss, ram
from ossferry.setup.documents import is_same_rule, other_rules
from ossferry.setup.wanted import Wanted

T = TypeVar("T")
Finding: TypeAlias = Generator[Call | str, None, T]
"""Needs that end with a result."""


def removing_steps(wanted: Wanted, account: Account, *, delete_objects: bool = False) -> list[Step]:
    """Return the steps that remove the resources of a set-up, in the order in which they must run.

    The roles are removed first, so that no upload arrives in a bucket that is being deleted.

    Args:
        delete_objects: whether to delete all objects of the bucket; otherwise a bucket with objects
            is kept.
    """
    removing = _Removing(wanted, account)
    return [
        Step(f"role {wanted.role}", lambda: removing.role(wanted.role)),
        Step(f"role {wanted.objects_role}", lambda: removing.role(wanted.objects_role)),
        Step(f"identity {wanted.server}", removing.server),
        *([Step("objects", removing.objects)] if delete_objects else []),
        *([Step(f"domain {wanted.domain}", removing.domain)] if wanted.domain else []),
        Step("CORS rule", removing.cors),
        Step(f"bucket {wanted.bucket}", lambda: removing.bucket(delete_objects=delete_objects)),
    ]


class _Removing:
    """The needs of each step."""

    def __init__(self, wanted: Wanted, account: Account) -> None:
        self._wanted = wanted
        self._account = account

    def role(self, name: str) -> Needs:
        """Remove a role that the server assumes, with its policy."""
        detached = yield from self._principal("Role", name, [name])
        yield from self._policy(name, detached=detached.count(name))

    def server(self) -> Needs:
        """Remove the server's user, its role, or both, if `--identity` was changed."""
        wanted = self._wanted
        policies = [wanted.server, wanted.doctor_policy]
        detached = yield from self._principal("Role", wanted.server, policies)
        detached += yield from self._principal("User", wanted.server, policies)
        for policy in policies:
            yield from self._policy(policy, detached=detached.count(policy))

    def _principal(
        self, kind: Literal["Role", "User"], name: str, policies: Sequence[str]
    ) -> Finding[list[str]]:
        """Remove a role or user with its access keys; return the policies that are detached."""
        account, who = self._account, {f"{kind}Name": name}
        if not (yield from self._removable(kind, name)):
            return []
        own = [("Custom", policy) for policy in (*policies, POLICY_NAME)]
        detached, others = [], []
        for policy_type, policy in account.attached(kind, name):
            if (policy_type, policy) not in own:
                others.append(policy)
                continue
            yield ram(f"DetachPolicyFrom{kind}", PolicyType=policy_type, PolicyName=policy, **who)
            detached.append(policy)
        if others:
            yield (
                f"the {kind.lower()} {name} stays, because other policies are attached to it:"
                f" {', '.join(others)}."
            )
            return detached
        if kind == "User":
            for key in account.keys(name):
                yield ram("DeleteAccessKey", UserAccessKeyId=key, **who)
        yield ram(f"Delete{kind}", **who)
        return detached

    def _policy(self, name: str, *, detached: int) -> Needs:
        found = yield from self._removable("Policy", name)
        if not found:
            return
        if int(found.get("AttachmentCount", 0)) > detached:
            yield f"the policy {name} stays, because it is attached elsewhere."
            return
        for version in self._account.versions(name):
            if not version["IsDefaultVersion"]:
                yield ram("DeletePolicyVersion", PolicyName=name, VersionId=version["VersionId"])
        yield ram("DeletePolicy", PolicyName=name)

    def _removable(self, kind: Kind, name: str) -> Finding[Entity | None]:
        """Return an entity that exists and may be removed; yield a note if it has to stay."""
        found = self._account.entity(kind, name)
        if found is None or self._wanted.adopt or self._account.is_ours(kind, found):
            return found
        yield (
            f"the {kind.lower()} {name} stays, because ossferry setup did not make it for the"
            f" bucket {self._wanted.bucket}; --adopt removes it."
        )
        return None

    def objects(self) -> Needs:
        """Delete the objects.

        Raises:
            CloudError: the set-up has not made the bucket.
        """
        bucket = self._account.bucket
        found = bucket.info()
        if found is None:
            return
        if not self._account.made_bucket(found):
            raise CloudError(
                f"ossferry setup did not make the bucket {self._wanted.bucket}, so its objects"
                " stay: run the command without --delete-objects to remove everything else."
            )
        objects, uploads = bucket.counts()
        yield oss("DeleteObjects", Objects=str(objects), Uploads=str(uploads))

    def domain(self) -> Needs:
        bucket = self._account.bucket
        if bucket.info() is not None and bucket.domain() is not None:
            yield oss("DeleteCname", Domain=self._wanted.domain)

    def cors(self) -> Needs:
        wanted = self._wanted
        bucket = self._account.bucket
        found = None if bucket.info() is None else bucket.cors()
        if found is None or not any(is_same_rule(each, wanted) for each in found.rules):
            return
        others = other_rules(found, wanted)
        if others:
            document = cors_document(others, varies=found.varies)
            yield oss("PutBucketCors", Configuration=document)
        else:
            yield oss("DeleteBucketCors", Bucket=wanted.bucket)

    def bucket(self, *, delete_objects: bool) -> Needs:
        """Delete the bucket; a bucket that stays keeps its lifecycle rule, which saves money."""
        name = self._wanted.bucket
        bucket = self._account.bucket
        found = bucket.info()
        if found is None:
            return
        if not self._account.made_bucket(found):
            yield (
                f"the bucket {name} stays with its objects and its lifecycle rules, because"
                " ossferry setup did not make it."
            )
        elif not delete_objects and any(bucket.counts()):
            yield (
                f"the bucket {name} stays with its objects and its lifecycle rule;"
                " --delete-objects deletes all."
            )
        else:
            yield oss("DeleteBucket", Bucket=name)

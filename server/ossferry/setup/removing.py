"""The steps of `ossferry teardown`: each removes a part of what `ossferry setup` has created.

Resources that `ossferry setup` did not create for this bucket are kept. If `Wanted.adopt` is set,
users, roles and policies with the wanted names are removed anyway, but a bucket that another
program created is still kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ossferry.errors import CloudError
from ossferry.oss.cors_rule import cors_document
from ossferry.oss.kill_switch import POLICY_NAME
from ossferry.setup.account import Account
from ossferry.setup.calls import Needs, Step
from ossferry.setup.documents import is_same_rule, other_rules
from ossferry.setup.wanted import Wanted


def removing_steps(wanted: Wanted, account: Account, *, delete_objects: bool = False) -> list[Step]:
    """Return the steps that remove the resources of a set-up.

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
        needs = Needs()
        detached = self._principal(needs, "Role", name, [name])
        self._policy(needs, name, detached=detached.count(name))
        return needs

    def server(self) -> Needs:
        """Remove the server's user, its role, or both, if `--identity` was changed."""
        wanted, needs = self._wanted, Needs()
        policies = [wanted.server, wanted.doctor_policy]
        detached = self._principal(needs, "Role", wanted.server, policies)
        detached += self._principal(needs, "User", wanted.server, policies)
        for policy in policies:
            self._policy(needs, policy, detached=detached.count(policy))
        return needs

    def _principal(self, needs: Needs, kind: str, name: str, policies: Sequence[str]) -> list[str]:
        """Remove a role or user with its access keys; return the policies that are detached."""
        account, who = self._account, {f"{kind}Name": name}
        found = account.role(name) if kind == "Role" else account.user(name)
        if not self._is_ours(needs, kind.lower(), name, found):
            return []
        own = [("Custom", policy) for policy in (*policies, POLICY_NAME)]
        detached, others = [], []
        for policy_type, policy in account.attached(kind, name):
            if (policy_type, policy) not in own:
                others.append(policy)
                continue
            needs.ram(f"DetachPolicyFrom{kind}", PolicyType=policy_type, PolicyName=policy, **who)
            detached.append(policy)
        if others:
            needs.notes.append(
                f"the {kind.lower()} {name} stays, because other policies are attached to it:"
                f" {', '.join(others)}."
            )
            return detached
        if kind == "User":
            for key in account.keys(name):
                needs.ram("DeleteAccessKey", UserAccessKeyId=key, **who)
        needs.ram(f"Delete{kind}", **who)
        return detached

    def _policy(self, needs: Needs, name: str, *, detached: int) -> None:
        found = self._account.policy(name)
        if not self._is_ours(needs, "policy", name, found) or found is None:
            return
        if int(found.get("AttachmentCount", 0)) > detached:
            needs.notes.append(f"the policy {name} stays, because it is attached elsewhere.")
            return
        for version in self._account.versions(name):
            if not version["IsDefaultVersion"]:
                needs.ram("DeletePolicyVersion", PolicyName=name, VersionId=version["VersionId"])
        needs.ram("DeletePolicy", PolicyName=name)

    def _is_ours(self, needs: Needs, kind: str, name: str, found: Mapping[str, Any] | None) -> bool:
        """Return whether an entity exists and may be removed; add a note if it has to stay."""
        if found is None:
            return False
        label = "Comments" if kind == "user" else "Description"
        if self._wanted.adopt or found.get(label) == self._wanted.mark:
            return True
        needs.notes.append(
            f"the {kind} {name} stays, because ossferry setup did not make it for the bucket"
            f" {self._wanted.bucket}; --adopt removes it."
        )
        return False

    def objects(self) -> Needs:
        """Delete the objects.

        Raises:
            CloudError: the set-up has not made the bucket.
        """
        needs = Needs()
        bucket = self._account.bucket
        found = bucket.info()
        if found is None:
            return needs
        if not self._account.made_bucket(found):
            raise CloudError(
                f"ossferry setup did not make the bucket {self._wanted.bucket}, so its objects"
                " stay: run the command without --delete-objects to remove everything else."
            )
        objects, uploads = bucket.counts()
        needs.oss("DeleteObjects", Objects=str(objects), Uploads=str(uploads))
        return needs

    def domain(self) -> Needs:
        needs = Needs()
        bucket = self._account.bucket
        if bucket.info() is not None and bucket.domain() is not None:
            needs.oss("DeleteCname", Domain=self._wanted.domain)
        return needs

    def cors(self) -> Needs:
        needs, wanted = Needs(), self._wanted
        bucket = self._account.bucket
        found = None if bucket.info() is None else bucket.cors()
        if found is None or not any(is_same_rule(each, wanted) for each in found.rules):
            return needs
        others = other_rules(found, wanted)
        if others:
            document = cors_document(others, varies=found.varies)
            needs.oss("PutBucketCors", Configuration=document)
        else:
            needs.oss("DeleteBucketCors", Bucket=wanted.bucket)
        return needs

    def bucket(self, *, delete_objects: bool) -> Needs:
        """Delete the bucket; a bucket that stays keeps its lifecycle rule, which saves money."""
        needs, name = Needs(), self._wanted.bucket
        bucket = self._account.bucket
        found = bucket.info()
        if found is None:
            return needs
        if not self._account.made_bucket(found):
            needs.notes.append(
                f"the bucket {name} stays with its objects and its lifecycle rules, because"
                " ossferry setup did not make it."
            )
        elif not delete_objects and any(bucket.counts()):
            needs.notes.append(
                f"the bucket {name} stays with its objects and its lifecycle rule;"
                " --delete-objects deletes all."
            )
        else:
            needs.oss("DeleteBucket", Bucket=name)
        return needs

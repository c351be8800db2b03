"""The cloud account of a set-up: reads entities of RAM, and sends API calls to RAM and OSS."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from alibabacloud_credentials.client import Client as CredentialClient

from ossferry.oss.ram import RamApi
from ossferry.oss.sdk import BucketInfo
from ossferry.setup.bucket import Bucket
from ossferry.setup.calls import Call
from ossferry.setup.documents import BUCKET_MARK
from ossferry.setup.wanted import Wanted

Entity: TypeAlias = Mapping[str, Any]
Kind: TypeAlias = Literal["Role", "User", "Policy"]

SECONDS = len("2026-01-31T12:00:00")
"""Length of a time without fractions of a second; OSS writes fractions, and RAM does not."""


class Account:
    """Reads RAM entities, and sends API calls to RAM and OSS, for the set-up of one bucket.

    Args:
        wanted: the names of the bucket and the RAM entities.
        credentials: credentials of the person who runs the command.
        oss: URL of OSS.
        ram: URL of RAM.

    Attributes:
        bucket: the bucket with the wanted name.
    """

    def __init__(
        self, wanted: Wanted, credentials: CredentialClient, *, oss: str, ram: str
    ) -> None:
        self._wanted = wanted
        self._made_bucket: bool | None = None
        self._ram = RamApi(credentials, ram)
        self.bucket = Bucket(wanted, credentials, oss)

    def entity(self, kind: Kind, name: str) -> Entity | None:
        """Return the fields of a RAM entity, with RAM's field names; None if it does not exist.

        The field `PolicyDocument` of a policy is the JSON text of its default version.

        Args:
            kind: `Role`, `User`, or `Policy` for a custom policy.

        Raises:
            CloudError: RAM refuses the request or does not answer.
        """
        more = {"PolicyType": "Custom"} if kind == "Policy" else {}
        found = self._ram.find(f"Get{kind}", **{f"{kind}Name": name}, **more)
        if found is None:
            return None
        entity: Entity = found[kind]
        if kind == "Policy":
            return {**entity, "PolicyDocument": found["DefaultPolicyVersion"]["PolicyDocument"]}
        return entity

    def is_ours(self, kind: Kind, found: Entity | None) -> bool:
        """Return whether the set-up of this bucket created a RAM entity, judged by its description.

        Args:
            found: the entity, as `entity` returns it. For None, the result is False.
        """
        label = "Comments" if kind == "User" else "Description"
        return found is not None and found.get(label) == self._wanted.mark

    def made_bucket(self, found: BucketInfo) -> bool:
        """Return whether `ossferry setup` has created the bucket.

        The result is True in two cases:
        - The bucket has the tag `BUCKET_MARK`, which `ossferry setup` sets.
        - The bucket has no tags, CORS rules, lifecycle rules, objects or unfinished uploads, and is
          not older than the server's RAM policy, which `ossferry setup` creates first. A set-up
          that is interrupted between PutBucket and PutBucketTags leaves such a bucket.

        The first result is kept for later calls, because the steps of a set-up create and delete
        the policy.

        Args:
            found: properties of the bucket, as `Bucket.info` returns them.
        """
        if self._made_bucket is None:
            self._made_bucket = self._find_made_bucket(found)
        return self._made_bucket

    def _find_made_bucket(self, found: BucketInfo) -> bool:
        key, value = BUCKET_MARK
        if self.bucket.tags().get(key) == value:
            return True
        if not self.bucket.is_untouched():
            return False
        policy = self.entity("Policy", self._wanted.server)
        return (
            policy is not None
            and self.is_ours("Policy", policy)
            and found.created[:SECONDS] >= str(policy["CreateDate"])[:SECONDS]
        )

    def versions(self, policy: str) -> Sequence[Entity]:
        """Return the versions of a custom RAM policy; empty if the policy does not exist.

        Each version is a dictionary from RAM, with fields such as `VersionId`.

        Args:
            policy: name of the policy.
        """
        found = self._ram.find("ListPolicyVersions", PolicyName=policy, PolicyType="Custom")
        return _list(found, "PolicyVersions", "PolicyVersion")

    def attached(self, kind: str, name: str) -> Sequence[tuple[str, str]]:
        """Return the policies that are attached to a RAM role or user, as pairs of type and name.

        The type is `System` or `Custom`. The result is empty if the role or user does not exist.

        Args:
            kind: `Role` or `User`.
            name: name of the role or user.
        """
        found = self._ram.find(f"ListPoliciesFor{kind}", **{f"{kind}Name": name})
        policies = _list(found, "Policies", "Policy")
        return [(each["PolicyType"], each["PolicyName"]) for each in policies]

    def keys(self, user: str) -> Sequence[str]:
        """Return the access key ids of a RAM user; empty if the user does not exist."""
        found = self._ram.find("ListAccessKeys", UserName=user)
        return [each["AccessKeyId"] for each in _list(found, "AccessKeys", "AccessKey")]

    def run(self, call: Call) -> Entity:
        """Send an API call to RAM or OSS.

        Returns:
            For RAM, the JSON response as a dictionary. For OSS, a dictionary with the only entry
            `Token`: the token in the response to CreateCnameToken, or empty text for other actions.

        Raises:
            CloudError: RAM or OSS refuses the call or does not answer.
        """
        if call.service == "RAM":
            return self._ram.call(call.action, **call.params)
        return {"Token": self.bucket.run(call.action, **call.params)}

    def close(self) -> None:
        """Close the HTTP connections to OSS."""
        self.bucket.close()


def _list(answer: Entity | None, group: str, name: str) -> Sequence[Entity]:
    return [] if answer is None else answer.get(group, {}).get(name, [])

"""The table of RAM actions, which the mock serves on the same port as STS.

RAM actions change the directory of users, roles and policies; STS and OSS use the changes at once.
"""

from collections.abc import Callable

from mock_oss.identities import Caller
from mock_oss.sts import ram_identities as identities
from mock_oss.sts import ram_policies as policies
from mock_oss.sts.ram_common import Answer, RamCall
from mock_oss.sts.signatures import STSCall

RAM_VERSION = "2015-05-01"
RAM_ACTIONS: dict[str, Callable[[RamCall], Answer]] = {
    "CreatePolicy": policies.create_policy,
    "GetPolicy": policies.get_policy,
    "DeletePolicy": policies.delete_policy,
    "CreatePolicyVersion": policies.create_version,
    "ListPolicyVersions": policies.list_versions,
    "DeletePolicyVersion": policies.delete_version,
    "AttachPolicyToRole": policies.attach,
    "AttachPolicyToUser": policies.attach,
    "DetachPolicyFromRole": policies.detach,
    "DetachPolicyFromUser": policies.detach,
    "ListPoliciesForRole": policies.list_attached,
    "ListPoliciesForUser": policies.list_attached,
    "CreateRole": identities.create_role,
    "GetRole": identities.get_role,
    "UpdateRole": identities.update_role,
    "DeleteRole": identities.delete_role,
    "CreateUser": identities.create_user,
    "GetUser": identities.get_user,
    "DeleteUser": identities.delete_user,
    "CreateAccessKey": identities.create_access_key,
    "ListAccessKeys": identities.list_access_keys,
    "DeleteAccessKey": identities.delete_access_key,
}


def run_ram(call: STSCall, caller: Caller) -> Answer:
    """Run the RAM action that a request names, and return the content of the response as a dict.

    Raises:
        STSRefusedError: RAM refuses the request.
    """
    return RAM_ACTIONS[call.action](RamCall(call, caller))

"""Attacks with a valid token: other users' keys, other actions, other resources.

The session policy is the one that our server sends to STS. The mock's evaluator decides; it shares
no code with the server.
"""

import asyncio
import re
from functools import cache

from attacks.attempt import Attempt, Try, attempts
from mock_oss.policies.evaluation import Policy, Question, evaluate_session, parse_policy
from ossferry.grants.service import Grants
from ossferry.identity.owner import owner_of, principal_prefix
from ossferry.identity.principal import Principal
from ossferry.settings.loading import ExplicitSettings, load_settings
from ossferry.settings.model import Settings
from support.server_fakes import OPTIONS, FakeClock, FakeSts

BUCKET = "web-direct-upload"
SECRET = str(OPTIONS["secret"]).encode()
HTTPS = {
    "acs:SecureTransport": "true",
    "acs:SourceIp": "192.0.2.7",
    "oss:x-oss-object-acl": "default",  # the value for a request without the header
}
ROLE = parse_policy(
    '{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:*"],"Resource":["*"]}]}', "role"
)
HOSTILE = (
    "*", "?", "**", "a*", "*/", '"', '"}', '"],"Resource":["*', "}", "{", "\\", "\\u002a",
    "\n", "\r\n", "\0", "\x1b[31m", "${acs:PrincipalName}", "${*}", "%2A", "%2a", "../", "..",
    ".", "/", "//", "./a", "a/../b", "alice/", "uploads/", "acs:oss:*:*:*", "'", "`", "<script>",
    "a" * 10_000, "\u202e", "\u200b", "\uff0a", "\u2217", "\u0130", "\xe9", "e\u0301", "ALICE",
    " alice", "alice ", "-", "--",
)  # fmt: skip


@cache
def issued(id_: str, address: str = "", https: bool = True) -> tuple[str, str]:
    """Return the session name and policy that the server sends to STS."""
    endpoint = "https://oss-cn-hangzhou.aliyuncs.com" if https else OPTIONS["endpoint"]
    settings: Settings = load_settings(ExplicitSettings, **OPTIONS)
    settings = settings.model_copy(update={"endpoint": endpoint, "bind_address": bool(address)})
    sts = FakeSts(FakeClock())
    grants = Grants(settings, sts, clock=FakeClock())
    asyncio.run(grants.grant(owner_of(Principal(id=id_, name="x"), secret=SECRET), address=address))
    return sts.calls[0]["session_name"], sts.calls[0]["policy"]


def policy_for(id_: str) -> Policy:
    """Return the parsed session policy of a principal."""
    return parse_policy(issued(id_)[1], "session")


def allows(policy: Policy, action: str, resource: str, **context: str) -> bool:
    """Return whether a session with this policy allows the action, if the role allows
    everything.
    """
    where = f"acs:oss:*:1000000000000000:{resource}"
    given = {**HTTPS, **{name.replace("_", ":", 1): value for name, value in context.items()}}
    question = Question(action, where, given)
    return evaluate_session((ROLE,), policy, question).allowed


def prefix(id_: str) -> str:
    """Return a principal's key prefix."""
    return principal_prefix(Principal(id=id_, name="x"), secret=SECRET)


def _others_key(id_: str) -> Try:
    def attempt(_worlds: object) -> bool:
        policy = policy_for(id_)
        keys = [
            prefix("victim") + "x",
            "x",
            "uploads/x",
            "*",
            prefix(id_)[:-1],
            prefix(id_)[:-2] + "/x",
        ]
        return not any(allows(policy, "oss:PutObject", f"{BUCKET}/{key}") for key in keys)

    return attempt


def _denied(action: str, resource: str, **context: str) -> Try:
    def attempt(_worlds: object) -> bool:
        return not allows(
            policy_for("mallory"), action, resource.format(prefix("mallory")), **context
        )

    return attempt


def _named_safely(id_: str) -> Try:
    def attempt(_worlds: object) -> bool:
        name = issued(id_)[0]
        return re.fullmatch(r"[a-f0-9]{16}-[a-f0-9]{14}", name) is not None and len(name) <= 32

    return attempt


def _apart(one: str, other: str) -> Try:
    def attempt(_worlds: object) -> bool:
        here, there = prefix(one), prefix(other)
        key = f"{BUCKET}/{there}x"
        apart = not here.startswith(there) and not there.startswith(here)
        return apart and not allows(policy_for(one), "oss:PutObject", key)

    return attempt


def _elsewhere(address: str) -> Try:
    def attempt(_worlds: object) -> bool:
        policy = parse_policy(issued("mallory", "192.0.2.7")[1], "session")
        key = f"{BUCKET}/{prefix('mallory')}x"
        return not allows(policy, "oss:PutObject", key, acs_SourceIp=address)

    return attempt


ACTIONS = """
    GetObject HeadObject DeleteObject PutObjectAcl GetObjectAcl PutObjectTagging RestoreObject
    GetObjectVersion DeleteObjectVersion PostProcessTask
""".split()  # noqa: SIM905 - a table, not code
BUCKET_ACTIONS = """
    ListObjects ListObjectVersions ListMultipartUploads PutBucketAcl GetBucketAcl PutBucketCors
    DeleteBucket PutBucketLifecycle GetBucketInfo
""".split()  # noqa: SIM905 - a table, not code
NEIGHBOURS = (
    ("al", "alice"),
    ("alice", "alice-"),
    ("alice", "alice/"),
    ("a", "a-a"),
    ("x", "x*"),
    ("alice", "alicE"),
    ("uploads", "uploads/"),
    ("a" * 24, "a" * 25),
    ("a" * 24 + "b", "a" * 24 + "c"),
)
TWINS = (
    ("\xe9", "e\u0301"),
    ("alice", "\uff41lice"),
    ("alice", "al\u0131ce"),
    ("alice", "ali\u200bce"),
    ("alice", "\u202ealice"),
    ("paypal", "p\u0430ypal"),
    ("stra\xdfe", "strasse"),
    ("\u212b", "\xc5"),
)

ATTEMPTS: list[Attempt] = [
    *attempts("T07", [(repr(id_)[:30], _others_key(id_)) for id_ in HOSTILE]),
    *attempts(
        "T08",
        [
            *(
                (f"{action} on the own prefix", _denied(f"oss:{action}", BUCKET + "/{}x"))
                for action in ACTIONS
            ),
            *(
                (f"{action} on the bucket", _denied(f"oss:{action}", BUCKET))
                for action in BUCKET_ACTIONS
            ),
            ("PutObject in another bucket", _denied("oss:PutObject", "another/{}x")),
            ("PutObject in a longer bucket", _denied("oss:PutObject", BUCKET + "-2/{}x")),
            ("list all buckets", _denied("oss:ListBuckets", "*")),
        ],
    ),
    *attempts("T09", [(f"{a!r} and {b!r}"[:40], _apart(a, b)) for a, b in NEIGHBOURS]),
    *attempts(
        "T10",
        [
            (f"key {tail!r}", _denied("oss:PutObject", f"{BUCKET}/{tail}"))
            for tail in ("../x", "uploads/../x", "./{}x", "/{}x", "x/{}x", "uploads//x", "..")
        ],
    ),
    *attempts("T12", [(ascii(pair), _apart(*pair)) for pair in TWINS]),
    *attempts(
        "T15",
        [(f"{a} to look around", _denied(f"oss:{a}", BUCKET + "/uploads/")) for a in ACTIONS[:2]],
    ),
    *attempts("T16", [(repr(id_)[:30], _named_safely(id_)) for id_ in HOSTILE[:24]]),
    *attempts(
        "T19",
        [
            *(
                (f"from {ip}", _elsewhere(ip))
                for ip in ("192.0.2.8", "198.51.100.1", "2001:db8::1", "192.0.2.70")
            ),
            ("over http", _denied("oss:PutObject", BUCKET + "/{}x", acs_SecureTransport="false")),
        ],
    ),
    *attempts(
        "T14",
        [
            (
                f"{acl} object",
                _denied("oss:PutObject", BUCKET + "/{}x", **{"oss_x-oss-object-acl": acl}),
            )
            for acl in ("public-read", "public-read-write")
        ],
    ),
]

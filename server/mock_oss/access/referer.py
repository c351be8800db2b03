"""Hotlink protection of buckets: RefererConfiguration documents, and the check of Referer headers.

OSS checks anonymous requests and presigned URLs for objects. A request with the header
Authorization is not checked. The order of the checks is: empty Referer, blacklist, whitelist.
Sources: vendor pages PutBucketReferer, GetBucketReferer, "Hotlink protection", and the pages of the
error codes (EC) 0003-00000501, -502 and -503.
"""

from functools import lru_cache
from typing import NamedTuple

from mock_oss.errors import RefusedError
from mock_oss.http.documents import Node, document, parse
from mock_oss.http.request import Request
from mock_oss.policies.globs import glob


class RefererRules(NamedTuple):
    """The hotlink protection of a bucket: which values of the Referer header are allowed.

    `blacklist` and `whitelist` are patterns that may contain the wildcards `*` and `?`. A Referer
    is refused if it begins with a pattern in the blacklist. If there is a whitelist, a Referer that
    begins with none of its patterns is refused, and an empty Referer is refused unless
    `allow_empty` is true. If `without_query` is true, the query of the Referer is ignored. If
    `without_path` is true, path and query are ignored, and a pattern must match the whole remaining
    text.
    """

    allow_empty: bool = True
    without_query: bool = True
    without_path: bool = False
    whitelist: tuple[str, ...] = ()
    blacklist: tuple[str, ...] = ()

    def ec(self, referer: str) -> str:
        """Return the EC (numeric error code) for a refused Referer; empty text for an allowed one.

        Args:
            referer: the Referer header; empty if the request has none.
        """
        if not referer:
            return "" if self.allow_empty or not self.whitelist else "0003-00000501"
        if self._matches(self.blacklist, referer):
            return "0003-00000502"
        if self.whitelist and not self._matches(self.whitelist, referer):
            return "0003-00000503"
        return ""

    def _matches(self, patterns: tuple[str, ...], referer: str) -> bool:
        """Return whether a Referer begins with a pattern.

        With `without_path`, the origin of the Referer must match the whole pattern.
        """
        without_query = referer.partition("?")[0]
        if self.without_path:
            text, rest = "/".join(without_query.split("/", 3)[:3]), ""
        else:
            text, rest = without_query if self.without_query else referer, "*"
        return any(glob(pattern + rest).fullmatch(text) for pattern in patterns)


def parse_referer(body: bytes) -> RefererRules:
    """Return the hotlink protection rules in a RefererConfiguration document.

    Raises:
        RefusedError: MalformedXML if the document violates the schema.
    """
    root = parse(body, "RefererConfiguration")
    root.one("RefererList")
    return RefererRules(
        root.flag("AllowEmptyReferer", ""),
        root.flag("AllowTruncateQueryString", "true"),
        root.flag("TruncatePath"),
        _patterns(root, "RefererList"),
        _patterns(root, "RefererBlacklist"),
    )


def _patterns(root: Node, name: str) -> tuple[str, ...]:
    lists = root.all(name)
    elements = (element for parent in lists for element in parent.all("Referer"))
    return tuple(text for element in elements if (text := (element.text or "").strip()))


def render_referer(rules: RefererRules) -> bytes:
    """Return hotlink protection rules as a RefererConfiguration document in XML.

    The element RefererBlacklist is omitted if the rules have no blacklist.
    """
    blacklist = {"Referer": list(rules.blacklist)} if rules.blacklist else None
    return document(
        "RefererConfiguration",
        {
            "AllowEmptyReferer": rules.allow_empty,
            "AllowTruncateQueryString": rules.without_query,
            "TruncatePath": rules.without_path,
            "RefererList": {"Referer": list(rules.whitelist)},
            "RefererBlacklist": blacklist,
        },
    )


@lru_cache(maxsize=256)
def _load(stored: str) -> RefererRules:
    return parse_referer(stored.encode())


def check_referer(stored: str, request: Request) -> None:
    """Check that the hotlink protection of a bucket allows the Referer header of a request.

    A request with an Authorization header passes without a check.

    Args:
        stored: the bucket's RefererConfiguration document; empty if the bucket has no hotlink
            protection.
        request: the request for an object in the bucket.

    Raises:
        RefusedError: AccessDenied if the hotlink protection refuses the Referer.
    """
    if not stored or "authorization" in request.headers:
        return
    referer = request.headers.get("referer", "")
    if ec := _load(stored).ec(referer):
        raise RefusedError(
            "AccessDenied",
            "You are denied by bucket referer policy.",
            ec=ec,
            why={"kind": "referer", "referer": referer},
        )

"""XML documents: writing responses and parsing request bodies.

`tag` and `document` write XML. `parse` uses defusedxml, ignores namespaces, and reports every
error as MalformedXML.
"""

import re
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

import defusedxml.ElementTree  # type: ignore[import-untyped]  # has no type hints
from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # the same

from mock_oss.errors import RefusedError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CONTROL_CODES = set(range(1, 32)) - {0x09, 0x0A, 0x0D}
_REFERENCED = {code: f"&#{code};" for code in (*_CONTROL_CODES, 0x0D)}
_REPLACED = dict.fromkeys((0, 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")
_ESCAPED = _REFERENCED | _REPLACED
_UNPRINTABLE = dict.fromkeys(_CONTROL_CODES, "\N{REPLACEMENT CHARACTER}")

_PLACEHOLDER_BASE = 0xFDD0
"""XML forbids control characters. They pass the parser as the 32 noncharacters from U+FDD0 on."""
_CONTROLS = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f]")
_REFERENCES = re.compile(rb"&#(?:x([0-9a-fA-F]{1,4})|([0-9]{1,4}));")
_RESTORED = {_PLACEHOLDER_BASE + code: code for code in range(1, 32)}


def _replace_reference(match: re.Match[bytes]) -> bytes:
    code = int(match[1], 16) if match[1] else int(match[2])
    return (
        chr(_PLACEHOLDER_BASE + code).encode()
        if _CONTROLS.fullmatch(bytes([code % 256])) and code < 32
        else match[0]
    )


def xml_text(value: str) -> str:
    """Return text escaped for an XML element.

    A control character becomes a reference such as `&#1;`. XML forbids these references, but the
    parser of ali-oss reads them; other clients send `encoding-type=url`. NUL, U+FFFE and U+FFFF
    are replaced by U+FFFD.
    """
    return escape(value, quote=False).replace('"', "&quot;").translate(_ESCAPED)


def printable(value: str) -> str:
    """Return text in which U+FFFD replaces the control characters that XML forbids."""
    return value.translate(_UNPRINTABLE)


def tag(name: str, value: str | int | Iterable[str] | None) -> str:
    """Return an XML element as text, or empty text if `value` is None.

    Args:
        name: the element's name.
        value: the text or number in the element, or an iterable of child elements as XML text.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return f"<{name}>{xml_text(value)}</{name}>"
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    return f"<{name}>{''.join(value)}</{name}>"


def document(root: str, children: Iterable[str]) -> bytes:
    """Return a complete XML document with the XML declaration that OSS writes.

    Args:
        root: the name of the root element.
        children: the child elements as XML text.
    """
    return (PROLOG + tag(root, children) + "\n").encode()


def parse(body: bytes, root: str) -> "Element":
    """Parse a request body as XML and return its root element.

    The XML standard forbids control characters and references to control characters. This function
    accepts both, because OSS accepts both in object keys.

    Args:
        body: the XML document.
        root: the required name of the root element.

    Raises:
        RefusedError: MalformedXML if the body is not valid XML or has another root element.
    """
    replaced = _CONTROLS.search(body) is not None or _REFERENCES.search(body) is not None
    if replaced:
        body = _CONTROLS.sub(lambda match: chr(_PLACEHOLDER_BASE + match[0][0]).encode(), body)
        body = _REFERENCES.sub(_replace_reference, body)
    try:
        element: Element = defusedxml.ElementTree.fromstring(body, forbid_dtd=True)
    except (DefusedXmlException, defusedxml.ElementTree.ParseError, ValueError, LookupError) as e:
        raise RefusedError("MalformedXML", why={"xml": str(e) or type(e).__name__}) from e
    for node in element.iter():
        if isinstance(node.tag, str):
            node.tag = node.tag.rpartition("}")[2]
        if replaced and node.text:
            node.text = node.text.translate(_RESTORED)
    if element.tag != root:
        raise RefusedError("MalformedXML", why={"xml": f"root is <{element.tag}>, not <{root}>"})
    return element


def children(element: "Element", name: str) -> "list[Element]":
    """Return the direct child elements with this name."""
    return [child for child in element if child.tag == name]


def child_text(element: "Element", name: str) -> str | None:
    """Return the text of the direct child element with this name, or None if no child has the name.

    Raises:
        RefusedError: MalformedXML if more than one child has this name.
    """
    elements = children(element, name)
    if len(elements) > 1:
        raise RefusedError("MalformedXML", why={"xml": f"<{name}> appears {len(elements)} times"})
    return (elements[0].text or "") if elements else None

"""XML and JSON documents: writing responses and parsing request bodies.

`tag`, `elements` and `document` write XML. `parse` uses defusedxml, ignores namespaces, and reports
every error as MalformedXML. `read_json` parses JSON.
"""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]  # no type hints
from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]  # the same

from mock_oss.errors import RefusedError

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
    parser of the SDK ali-oss reads them; other SDKs avoid them with `encoding-type=url`. NUL,
    U+FFFE and U+FFFF are replaced by U+FFFD.
    """
    return escape(value, quote=False).replace('"', "&quot;").translate(_ESCAPED)


def printable(content: Any) -> Any:
    """Return the content of an XML element, with U+FFFD in place of control characters.

    XML forbids these characters. They are replaced in text, and in all texts of a mapping from
    child name to content, which may contain further mappings. Other content (numbers, lists, None)
    is returned unchanged.
    """
    if isinstance(content, Mapping):
        return {name: printable(value) for name, value in content.items()}
    return content.translate(_UNPRINTABLE) if isinstance(content, str) else content


Content: TypeAlias = str | int | Mapping[str, Any] | Iterable[str] | None
"""The content of an element: text, a number, the arguments of `elements`, or XML texts."""


def tag(name: str, content: Content) -> str:
    """Return an XML element as text, or empty text if `content` is None.

    Args:
        name: the name of the element.
        content: a text, which is escaped; a number; a bool, written as `true` or `false`; a mapping
            of child elements, as for `elements`; or any other iterable of texts that are already
            XML, which are joined without escaping.
    """
    if content is None:
        return ""
    if isinstance(content, str):
        return f"<{name}>{xml_text(content)}</{name}>"
    if isinstance(content, bool):
        return f"<{name}>{str(content).lower()}</{name}>"
    if isinstance(content, int):
        return f"<{name}>{content}</{name}>"
    inner = elements(content) if isinstance(content, Mapping) else "".join(content)
    return f"<{name}>{inner}</{name}>"


def elements(contents: Mapping[str, Any]) -> str:
    """Return several XML elements as one text.

    Args:
        contents: a mapping from the name of an element to its content. A list contains the contents
            of several elements with this name.
    """
    return "".join(
        tag(name, item)
        for name, content in contents.items()
        for item in (content if isinstance(content, list) else (content,))
    )


def document(root: str, content: Content) -> bytes:
    """Return a complete XML document with the same XML declaration as in responses of OSS.

    Args:
        root: the name of the root element.
        content: the content of the root element, as for `tag`.
    """
    return (PROLOG + tag(root, content) + "\n").encode()


def malformed_xml(cause: str) -> RefusedError:
    """Return the error MalformedXML for a request body; `cause` describes what is wrong."""
    return RefusedError("MalformedXML", why={"xml": cause})


class Node(Element):
    """An element of a request body, with its child elements; names have no namespace."""

    def all(self, name: str) -> "list[Node]":
        """Return the child elements that have a given name."""
        return [child for child in self if child.tag == name]  # type: ignore[misc]  # as parsed

    def one(self, name: str) -> "Node":
        """Return the only child element that has a given name.

        Raises:
            RefusedError: MalformedXML if no child or more than one child has this name.
        """
        found = self.all(name)
        if len(found) != 1:
            raise malformed_xml(f"<{name}> appears {len(found)} times in {self.tag}")
        return found[0]

    def value(self, name: str) -> str | None:
        """Return the text of the child element with a given name, or None for no such child.

        Raises:
            RefusedError: MalformedXML if more than one child has this name.
        """
        return (self.one(name).text or "") if self.all(name) else None

    def flag(self, name: str, default: str = "false") -> bool:
        """Return whether the text of the child element with a given name is `true`.

        `TRUE` and `True` mean the same as `true`; spaces around the text are ignored.

        Args:
            name: the name of the child element.
            default: the text to use if there is no such child, or if it is empty; an empty default
                if the child is mandatory.

        Raises:
            RefusedError: MalformedXML if the text is neither `true` nor `false`, or if more than
                one child has this name.
        """
        text = (self.value(name) or default).strip().lower()
        if text not in ("true", "false"):
            raise malformed_xml(f"{name} is {text!r}")
        return text == "true"


def parse(body: bytes, root: str) -> Node:
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
    parser = DefusedXMLParser(target=TreeBuilder(Node), forbid_dtd=True)
    try:
        parser.feed(body)
        element: Node = parser.close()
    except (DefusedXmlException, ParseError, ValueError, LookupError) as e:
        raise malformed_xml(str(e) or type(e).__name__) from e
    for node in element.iter():
        node.tag = node.tag.rpartition("}")[2]
        if replaced and node.text:
            node.text = node.text.translate(_RESTORED)
    if element.tag != root:
        raise malformed_xml(f"root is <{element.tag}>, not <{root}>")
    return element


def read_json(text: str | bytes) -> Any:
    """Parse a JSON document.

    Raises:
        ValueError: the text is not valid JSON, is nested too deeply, or contains Infinity, NaN or
            an unpaired surrogate.
    """
    try:
        document = json.loads(text)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as e:
        raise ValueError("it is nested too deeply") from e
    return document

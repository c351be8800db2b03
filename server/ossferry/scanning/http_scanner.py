"""Asks another scanner over HTTP; docs/scanning.md describes the protocol."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NotRequired
from urllib.parse import quote

import httpx
from fastcrc import crc64
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from ossferry.scanning.verdict import Content, Outcome, Verdict

TIMEOUT = httpx.Timeout(30.0, connect=5.0, read=300.0)
LONGEST_S = 600.0
MAX_ANSWER = 64 * 1024


class Answer(TypedDict):
    """The JSON answer of a scanner.

    Attributes:
        reason: what the scanner has found, as a sentence for the owner of the upload.
    """

    verdict: Literal["clean", "bad", "unscannable"]
    reason: NotRequired[str]


_ANSWER = TypeAdapter(Answer)
_REASONS: Mapping[Outcome, str] = {
    Outcome.BAD: "The scanner has found something.",
    Outcome.UNSCANNABLE: "The scanner cannot look into it.",
}


class HttpScanner:
    """A client of a scanner that receives the content of uploads in HTTP POST requests.

    Args:
        url: the address of the scanner.
        client: the HTTP client; it must follow no redirects.
    """

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client

    async def scan(self, content: Content) -> Verdict:
        """Send the content of an upload to the scanner, and return its verdict.

        Raises:
            ChangedError: the temporary file no longer has the bytes of the object.
        """
        headers = {
            "content-type": "application/octet-stream",
            "content-length": str(content.size),
            "x-ossferry-name": quote(content.name, safe=""),
            "x-ossferry-crc64": content.crc64,
        }
        try:
            async with asyncio.timeout(LONGEST_S):
                answer = await self._post(headers, content)
        except (httpx.HTTPError, TimeoutError) as error:
            return _later(f"does not answer ({type(error).__name__})")
        return answer

    async def probe(self) -> str:
        """Return why the scanner cannot be used now, as a sentence; empty if it can.

        The scanner gets a file of 0 bytes; any verdict is accepted.
        """
        nothing = Content(path=Path(os.devnull), name="probe", size=0, crc64=str(crc64.xz(b"")))
        found = await self.scan(nothing)
        return f"{found.reason}." if found.outcome is Outcome.LATER else ""

    async def _post(self, headers: Mapping[str, str], content: Content) -> Verdict:
        sending = self._client.stream(
            "POST", self._url, headers=headers, content=content.pieces(), timeout=TIMEOUT
        )
        found = b""
        async with sending as response:
            if response.status_code != 200:
                return _later(f"answers with status {response.status_code}")
            async for piece in response.aiter_bytes():
                found += piece
                if len(found) > MAX_ANSWER:
                    return _later("answers with more than 64 KiB")
        try:
            answer = _ANSWER.validate_json(found)
        except ValidationError:
            return _later("answers with something else than docs/scanning.md says")
        outcome = Outcome(answer["verdict"])
        return Verdict(outcome, answer.get("reason", "") or _REASONS.get(outcome, ""))


def _later(why: str) -> Verdict:
    return Verdict(Outcome.LATER, f"OSSFERRY_SCANNER_URL {why}")

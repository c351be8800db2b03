"""Parser of form uploads (multipart/form-data): keeps the fields in memory and streams the file.

Fields after the file are ignored, but a second file is refused.
"""

from email.message import Message
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from mock_oss.errors import RefusedError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELD_NAME = 8 << 10
MAX_FIELD_VALUE = 2 << 20
MAX_PART_HEAD = 4 * MAX_FIELD_NAME
"""Large enough that a field name above MAX_FIELD_NAME is parsed and refused as FieldItemTooLong."""
MAX_FIELDS_BYTES = 8 << 20
FIELD_BYTES = 1 << 10  # added to the size for every field, so that a form has at most 8,191
MAX_BOUNDARY = 256


class FormReader:
    """An incremental parser of a form upload.

    `fields` maps lower-case field names to values; for a repeated field, it contains the first
    value. Fields after the file are ignored. `file_started` is true after the parser has reached
    the file; `fields` is then complete. `file_name` and `file_type` are the name and the
    Content-Type of the file, as sent. `ended` is true after the end of the form.

    Args:
        content_type: the Content-Type header of the request.

    Raises:
        RefusedError: RequestIsNotMultiPartContent if the Content-Type is not multipart/form-data
            or has no valid boundary.
    """

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY:
            raise RefusedError("RequestIsNotMultiPartContent")
        self.fields: dict[str, str] = {}
        self.file_started = False
        self.file_name = ""
        self.file_type = ""
        self.ended = False
        self._file = bytearray()
        self._name = ""
        self._value = bytearray()
        self._is_file = False
        self._size = 0
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._headers: Message = Message()
        self._parser = MultipartParser(boundary, self._callbacks(), max_header_size=MAX_PART_HEAD)

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value_data,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def feed(self, data: bytes) -> None:
        """Parse the next bytes of the request body.

        Raises:
            RefusedError: the form is not valid; the code is, for example, MalformedPOSTRequest or
                FieldItemTooLong.
        """
        try:
            if data:
                self._parser.write(data)
        except (MultipartParseError, UnicodeDecodeError) as e:
            raise RefusedError("MalformedPOSTRequest", why={"kind": "form", "cause": str(e)}) from e

    def take_file(self) -> bytes:
        """Return the bytes of the uploaded file that were parsed since the previous call."""
        data = bytes(self._file)
        self._file.clear()
        return data

    def finish(self) -> None:
        """Check that the form is complete, after `feed` received the whole request body.

        Raises:
            RefusedError: MalformedPOSTRequest if the end of the form is missing,
                IncorrectNumberOfFilesInPOSTRequest if the form has no file.
        """
        if not self.ended:
            raise RefusedError("MalformedPOSTRequest", why={"kind": "form", "cause": "cut off"})
        if not self.file_started:
            raise RefusedError("IncorrectNumberOfFilesInPOSTRequest")

    def _part_begin(self) -> None:
        self._headers = Message()
        self._value.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_value_data(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        name = self._header_name.decode("latin-1").lower()
        self._headers[name] = self._header_value.decode("utf-8")
        self._header_name.clear()
        self._header_value.clear()

    def _headers_finished(self) -> None:
        disposition = self._headers.get("content-disposition", "")
        kind, options = parse_options_header(disposition.encode())
        name = options.get(b"name", b"").decode()
        if kind != b"form-data" or not name:
            raise RefusedError("MalformedPOSTRequest", why={"kind": "form", "cause": "no name"})
        if len(name) > MAX_FIELD_NAME:
            raise RefusedError("FieldItemTooLong")
        self._count_bytes(len(name) + FIELD_BYTES)
        self._name = name.lower()
        self._is_file = self._name == "file"
        if self._is_file:
            if self.file_started:
                raise RefusedError("IncorrectNumberOfFilesInPOSTRequest")
            self.file_started = True
            self.file_name = options.get(b"filename", b"").decode()
            self.file_type = self._headers.get("content-type", "")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._file += data[start:end]
            return
        self._count_bytes(end - start)
        self._value += data[start:end]
        if len(self._value) > MAX_FIELD_VALUE:
            raise RefusedError("FieldItemTooLong")

    def _count_bytes(self, size: int) -> None:
        self._size += size
        if self._size > MAX_FIELDS_BYTES:
            raise RefusedError("MaxPOSTPreDataLengthExceededError")

    def _part_end(self) -> None:
        if not (self._is_file or self.file_started):
            self.fields.setdefault(self._name, self._value.decode())

    def _end(self) -> None:
        self.ended = True

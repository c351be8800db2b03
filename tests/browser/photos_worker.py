"""Runs in the worker of `test_photo_checks.py`."""

import base64
import json
import tempfile
from pathlib import Path

from ossferry_checks import CheckedFile
from ossferry_checks.builtin.check_options import BuiltInOptions, PhotoOptions
from ossferry_checks.builtin.selection import built_in_checks
from ossferry_checks.runner import run


async def check(name: str, content: str, options: str) -> str:
    """Check a photo, and return the verdict with the content of the file to upload, as JSON."""
    path = Path(tempfile.mkdtemp()) / name
    path.write_bytes(base64.b64decode(content))
    chosen = BuiltInOptions(file_type=True, photos=PhotoOptions(**json.loads(options)))
    verdict = await run(built_in_checks(chosen).around([]), CheckedFile(path))
    uploaded = base64.b64encode(verdict.path.read_bytes()).decode()
    return json.dumps({**verdict.as_json(), "content": uploaded})

"""Sets files of a file input through JavaScript, for drivers that cannot.

WebDriver (classic and BiDi) cannot choose a folder. The files of a folder are passed as a folder
chooser would: each with its path relative to the folder's parent.
"""

import base64
import mimetypes
from pathlib import Path
from typing import Any

CHOOSE = """(input, files) => {
  const transfer = new DataTransfer();
  for (const [name, type, folder, base64] of files) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const file = new File([bytes], name, {type});
    if (folder) Object.defineProperty(file, "webkitRelativePath", {value: `${folder}/${name}`});
    transfer.items.add(file);
  }
  input.files = transfer.files;
  for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, {bubbles: true}));
}"""


def contents(given: Any) -> list[list[str]]:
    """Return `[name, type, folder, base64]` for each file, the format that `CHOOSE` expects.

    Args:
        given: a file, a folder, or a dict with `name`, `mimeType` and `buffer`.
    """
    if isinstance(given, dict):
        content = base64.b64encode(given["buffer"]).decode()
        return [[given["name"], given["mimeType"], "", content]]
    top = Path(given)
    paths = [top] if top.is_file() else sorted(path for path in top.rglob("*") if path.is_file())
    files = []
    for path in paths:
        folder = "" if path == top else str(path.parent.relative_to(top.parent))
        kind = mimetypes.guess_type(path.name)[0] or ""
        files.append([path.name, kind, folder, base64.b64encode(path.read_bytes()).decode()])
    return files

"""The store: metadata in SQLite, object data in files and small blobs.

One SQLite commit makes a new object visible and removes the replaced object; the files of the new
object are complete before this commit. If the process is killed, every object that was confirmed to
a client still exists, and no partly written object is visible. This does not cover a crash of the
machine: the mock does not flush files to the disk before it responds.
"""

from mock_oss.store.blobs import BlobWriter, Segment
from mock_oss.store.data_directory import Store
from mock_oss.store.records import (
    BucketRecord,
    ExistingObject,
    ObjectRecord,
    PartRecord,
    SessionRecord,
    UploadRecord,
)

__all__ = [
    "BlobWriter",
    "BucketRecord",
    "ExistingObject",
    "ObjectRecord",
    "PartRecord",
    "Segment",
    "SessionRecord",
    "Store",
    "UploadRecord",
]

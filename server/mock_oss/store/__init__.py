"""The store: metadata in SQLite, object data in files and small blobs.

The store writes the files of a new object first. Then one SQLite commit makes the new object
visible and removes the replaced object. If the process is killed, no stored object is lost, and no
partly written object is visible. If the machine crashes, objects can be lost, because the mock does
not flush files to the disk.
"""

from mock_oss.store.blobs import BlobWriter
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
    "SessionRecord",
    "Store",
    "UploadRecord",
]

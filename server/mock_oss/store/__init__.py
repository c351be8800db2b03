"""What the mock keeps: metadata in SQLite, bytes in files.

An object becomes visible, and an old one goes away, by one SQLite commit; the files it names
are complete before. So a killed process shows every answered object and no half-written one.
The promise is about the process: files are not synced to the disk before the answer.
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

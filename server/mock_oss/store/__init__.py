"""The store: metadata in SQLite, object data in files and small blobs.

The store writes the files of a new object first. Then one SQLite commit makes the new object
visible and removes the replaced object. If the process is killed, no stored object is lost, and no
partly written object is visible. If the machine crashes, objects can be lost, because the mock does
not flush files to the disk.
"""

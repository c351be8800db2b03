"""Database rows of the inventory configurations of buckets."""

from mock_oss.store.database import Database


class Inventories:
    """Stores inventory configurations as XML elements, by bucket and inventory id."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, bucket: str, inventory_id: str) -> str | None:
        """Return a configuration, or None if the bucket has none with this id."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT configuration FROM inventories WHERE bucket = ? AND id = ?",
                (bucket, inventory_id),
            ).fetchone()
        return None if row is None else str(row[0])

    def put(self, bucket: str, inventory_id: str, configuration: str) -> None:
        """Create a configuration."""
        with self._db.lock:
            self._db.execute(
                "INSERT INTO inventories VALUES (?,?,?)", (bucket, inventory_id, configuration)
            )

    def page(self, bucket: str, *, after: str = "", limit: int) -> list[tuple[str, str]]:
        """Return (id, configuration) of a bucket, sorted by id.

        Args:
            bucket: the bucket's name.
            after: return only ids greater than this text.
            limit: the largest number of configurations.
        """
        with self._db.lock:
            return self._db.execute(
                "SELECT id, configuration FROM inventories WHERE bucket = ? AND id > ? "
                "ORDER BY id LIMIT ?",
                (bucket, after, limit),
            ).fetchall()

    def delete(self, bucket: str, inventory_id: str) -> bool:
        """Delete a configuration; return whether it existed."""
        with self._db.lock:
            deleted = self._db.execute(
                "DELETE FROM inventories WHERE bucket = ? AND id = ?", (bucket, inventory_id)
            )
        return deleted.rowcount > 0

    def delete_bucket_rows(self, bucket: str) -> None:
        """Delete all configurations of a bucket."""
        with self._db.lock:
            self._db.execute("DELETE FROM inventories WHERE bucket = ?", (bucket,))

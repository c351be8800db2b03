"""Rows of custom domains: bindings to buckets, and ownership tokens."""

from __future__ import annotations

from collections.abc import Mapping

from mock_oss.store.database import Database
from mock_oss.store.records import Cname, CnameToken

__all__ = ["Cnames"]


class Cnames:
    """Bindings and tokens. The bindings are also in memory, because every request looks one up."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._bound: Mapping[str, str] = {}
        self.reload()

    @property
    def bound(self) -> Mapping[str, str]:
        """Domain -> the bucket it is bound to."""
        return self._bound

    def reload(self) -> None:
        """Read the bindings again, after the database was replaced."""
        with self._db.lock:
            rows = self._db.execute("SELECT domain, bucket FROM cnames").fetchall()
            self._bound = dict(rows)

    def of_bucket(self, bucket: str) -> list[Cname]:
        """Return the domains of a bucket, sorted by name."""
        with self._db.lock:
            rows = self._db.execute(
                "SELECT * FROM cnames WHERE bucket = ? ORDER BY domain", (bucket,)
            ).fetchall()
        return [Cname._make(row) for row in rows]

    def bind(self, domain: str, bucket: str, bound_ms: int) -> None:
        """Bind a domain to a bucket, replacing any earlier binding."""
        with self._db.lock:
            self._db.execute("REPLACE INTO cnames VALUES (?,?,?)", (domain, bucket, bound_ms))
            self._bound = {**self._bound, domain: bucket}

    def unbind(self, domain: str, bucket: str) -> bool:
        """Delete a bucket's binding and token for a domain; return whether one existed."""
        with self._db.transaction():
            dropped = sum(
                self._db.execute(
                    f"DELETE FROM {table} WHERE domain = ? AND bucket = ?",  # noqa: S608 - constants
                    (domain, bucket),
                ).rowcount
                for table in ("cnames", "cname_tokens")
            )
        self.reload()
        return dropped > 0

    def delete_bucket_rows(self, bucket: str) -> None:
        """Delete all bindings and tokens of a bucket."""
        with self._db.transaction():
            self._db.execute("DELETE FROM cnames WHERE bucket = ?", (bucket,))
            self._db.execute("DELETE FROM cname_tokens WHERE bucket = ?", (bucket,))
        self.reload()

    def token(self, domain: str, bucket: str) -> CnameToken | None:
        """Return a bucket's token for a domain, even if it has expired; None without one."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT * FROM cname_tokens WHERE domain = ? AND bucket = ?", (domain, bucket)
            ).fetchone()
        return None if row is None else CnameToken._make(row)

    def put_token(self, token: CnameToken) -> None:
        """Store a token, replacing any earlier one of the same bucket and domain."""
        with self._db.lock:
            self._db.execute("REPLACE INTO cname_tokens VALUES (?,?,?,?)", token)

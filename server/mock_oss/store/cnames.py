"""Rows of custom domains: which bucket has which, and the tokens that prove who owns one."""

from __future__ import annotations

from collections.abc import Mapping

from mock_oss.store.database import Database
from mock_oss.store.records import Cname, CnameToken

__all__ = ["Cnames"]


class Cnames:
    """Bindings and tokens; the bindings are kept in memory too: every request looks one up."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._bound: Mapping[str, str] = {}
        self.reload()

    @property
    def bound(self) -> Mapping[str, str]:
        """Domain -> the bucket that has it."""
        return self._bound

    def reload(self) -> None:
        """Read the bindings afresh, after the database was replaced."""
        with self._db.lock:
            rows = self._db.execute("SELECT domain, bucket FROM cnames").fetchall()
            self._bound = dict(rows)

    def of_bucket(self, bucket: str) -> list[Cname]:
        """Return the domains of a bucket, by name."""
        with self._db.lock:
            rows = self._db.execute(
                "SELECT * FROM cnames WHERE bucket = ? ORDER BY domain", (bucket,)
            ).fetchall()
        return [Cname._make(row) for row in rows]

    def bind(self, domain: str, bucket: str, bound_ms: int) -> None:
        """Bind a domain to a bucket, whichever bucket had it before."""
        with self._db.lock:
            self._db.execute("REPLACE INTO cnames VALUES (?,?,?)", (domain, bucket, bound_ms))
            self._bound = {**self._bound, domain: bucket}

    def unbind(self, domain: str, bucket: str) -> bool:
        """Drop a bucket's binding and token of a domain; return whether there was one."""
        with self._db.transaction():
            dropped = sum(
                self._db.execute(
                    f"DELETE FROM {table} WHERE domain = ? AND bucket = ?",  # noqa: S608 - two names
                    (domain, bucket),
                ).rowcount
                for table in ("cnames", "cname_tokens")
            )
        self.reload()
        return dropped > 0

    def delete_bucket_rows(self, bucket: str) -> None:
        """Drop every binding and token of a bucket."""
        with self._db.transaction():
            self._db.execute("DELETE FROM cnames WHERE bucket = ?", (bucket,))
            self._db.execute("DELETE FROM cname_tokens WHERE bucket = ?", (bucket,))
        self.reload()

    def token(self, domain: str, bucket: str) -> CnameToken | None:
        """Return a bucket's token for a domain, also one that has expired."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT * FROM cname_tokens WHERE domain = ? AND bucket = ?", (domain, bucket)
            ).fetchone()
        return None if row is None else CnameToken._make(row)

    def put_token(self, token: CnameToken) -> None:
        """Keep a token in place of the one before it."""
        with self._db.lock:
            self._db.execute("REPLACE INTO cname_tokens VALUES (?,?,?,?)", token)

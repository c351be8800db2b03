"""Database rows of custom domains: bindings to buckets, ownership tokens and certificates."""

from collections.abc import Mapping

from mock_oss.store.database import Database
from mock_oss.store.records import Cname, CnameCertificate, CnameToken


class Cnames:
    """Stores the bindings of custom domains to buckets, and the ownership tokens.

    The bindings are also kept in memory, because the mock looks up a domain for every request.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._bound: Mapping[str, str] = {}
        self.reload()

    @property
    def bound(self) -> Mapping[str, str]:
        """A mapping from custom domain to bucket name."""
        return self._bound

    def reload(self) -> None:
        """Read the bindings from the database, for example after a snapshot was restored."""
        with self._db.lock:
            rows = self._db.execute("SELECT domain, bucket FROM cnames").fetchall()
            self._bound = dict(rows)

    def of_bucket(self, bucket: str) -> list[Cname]:
        """Return the custom domains of a bucket, sorted by domain."""
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
        """Delete a domain's binding to a bucket, with the bucket's token and certificate for it.

        Returns:
            True if the binding or the token existed.
        """
        with self._db.transaction():
            dropped = sum(
                self._db.execute(
                    f"DELETE FROM {table} WHERE domain = ? AND bucket = ?",  # noqa: S608 - constants
                    (domain, bucket),
                ).rowcount
                for table in ("cnames", "cname_tokens", "cname_certificates")
            )
        self.reload()
        return dropped > 0

    def delete_bucket_rows(self, bucket: str) -> None:
        """Delete all bindings, ownership tokens and certificates of a bucket."""
        with self._db.transaction():
            self._db.execute("DELETE FROM cnames WHERE bucket = ?", (bucket,))
            self._db.execute("DELETE FROM cname_tokens WHERE bucket = ?", (bucket,))
            self._db.execute("DELETE FROM cname_certificates WHERE bucket = ?", (bucket,))
        self.reload()

    def token(self, domain: str, bucket: str) -> CnameToken | None:
        """Return a bucket's ownership token for a domain, or None if there is no token.

        The token may be expired.
        """
        with self._db.lock:
            row = self._db.execute(
                "SELECT * FROM cname_tokens WHERE domain = ? AND bucket = ?", (domain, bucket)
            ).fetchone()
        return None if row is None else CnameToken._make(row)

    def put_token(self, token: CnameToken) -> None:
        """Store an ownership token; replace an earlier token of the same bucket and domain."""
        with self._db.lock:
            self._db.execute("REPLACE INTO cname_tokens VALUES (?,?,?,?)", token)

    def certificate(self, domain: str) -> CnameCertificate | None:
        """Return the certificate of a bound domain, or None if it has no certificate."""
        with self._db.lock:
            row = self._db.execute(
                "SELECT * FROM cname_certificates WHERE domain = ?", (domain,)
            ).fetchone()
        return None if row is None else CnameCertificate._make(row)

    def put_certificate(self, certificate: CnameCertificate) -> None:
        """Store the certificate of a domain; replace an earlier one."""
        with self._db.lock:
            self._db.execute("REPLACE INTO cname_certificates VALUES (?,?,?,?)", certificate)

    def delete_certificate(self, domain: str) -> None:
        """Delete the certificate of a domain."""
        with self._db.lock:
            self._db.execute("DELETE FROM cname_certificates WHERE domain = ?", (domain,))

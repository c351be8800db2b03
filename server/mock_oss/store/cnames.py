"""Database rows of custom domains: bindings to buckets, ownership tokens and certificates."""

from collections.abc import Mapping

from mock_oss.store.database import Database
from mock_oss.store.records import Cname, CnameCertificate, CnameToken

_TABLES = ("cnames", "cname_tokens", "cname_certificates")


class Cnames:
    """Stores the bindings of custom domains to buckets, the ownership tokens, and the certificates.

    `bound` maps each bound domain to its bucket name. This dict is kept in memory, because the mock
    looks up a domain for every request.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self.bound: Mapping[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read `bound` from the database again, for example after a snapshot was restored."""
        self.bound = dict(self._db.rows(tuple, "SELECT domain, bucket FROM cnames"))

    def of_bucket(self, bucket: str) -> list[Cname]:
        """Return the custom domains of a bucket, sorted by domain."""
        query = "SELECT * FROM cnames WHERE bucket = ? ORDER BY domain"
        return self._db.rows(Cname._make, query, (bucket,))

    def bind(self, domain: str, bucket: str, bound_ms: int) -> None:
        """Bind a domain to a bucket; replace an earlier binding of the domain.

        Args:
            domain: the domain in lower case.
            bucket: the bucket's name.
            bound_ms: the time of the binding, in milliseconds since the epoch.
        """
        self._db.change("REPLACE INTO cnames VALUES (?,?,?)", (domain, bucket, bound_ms))
        self.bound = {**self.bound, domain: bucket}

    def unbind(self, domain: str, bucket: str) -> bool:
        """Delete the binding, the ownership token and the certificate of a domain for a bucket.

        Returns:
            True if at least one of these existed.
        """
        return self._delete("domain = ? AND bucket = ?", (domain, bucket)) > 0

    def delete_bucket_rows(self, bucket: str) -> None:
        """Delete all bindings, ownership tokens and certificates of a bucket."""
        self._delete("bucket = ?", (bucket,))

    def _delete(self, where: str, arguments: tuple[str, ...]) -> int:
        with self._db.transaction():
            deleted = sum(
                self._db.change(f"DELETE FROM {table} WHERE {where}", arguments)  # noqa: S608 - constants
                for table in _TABLES
            )
        self.reload()
        return deleted

    def token(self, domain: str, bucket: str) -> CnameToken | None:
        """Return a bucket's ownership token for a domain, or None if there is no token.

        The token may be expired.
        """
        query = "SELECT * FROM cname_tokens WHERE domain = ? AND bucket = ?"
        return self._db.row(CnameToken._make, query, (domain, bucket))

    def put_token(self, token: CnameToken) -> None:
        """Store an ownership token; replace an earlier token of the same bucket and domain."""
        self._db.change("REPLACE INTO cname_tokens VALUES (?,?,?,?)", token)

    def certificate(self, domain: str) -> CnameCertificate | None:
        """Return the certificate of a bound domain, or None if it has no certificate."""
        query = "SELECT * FROM cname_certificates WHERE domain = ?"
        return self._db.row(CnameCertificate._make, query, (domain,))

    def put_certificate(self, certificate: CnameCertificate) -> None:
        """Store the certificate of a domain; replace an earlier certificate of the same domain."""
        self._db.change("REPLACE INTO cname_certificates VALUES (?,?,?,?)", certificate)

    def delete_certificate(self, domain: str) -> None:
        """Delete the certificate of a domain; do nothing if the domain has none."""
        self._db.change("DELETE FROM cname_certificates WHERE domain = ?", (domain,))

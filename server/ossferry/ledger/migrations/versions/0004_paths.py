"""Add a column of case-folded file paths for searches, and an index of checksums.

The index is used to find files that are already stored.
"""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

AT_ONCE = 1000
OWN_PATH = re.compile(r"\A[^/]+/[^/]+/(?:[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9a-f]{32}/)?")


def upgrade() -> None:
    """Apply this migration, and fill the new column of existing receipts."""
    # the default is for a process of the older version that still writes to the same database
    path = sa.Column("path", sa.String(length=1024), nullable=False, server_default="")
    op.add_column("receipts", path)
    op.create_index("ix_receipts_principal_crc64", "receipts", ["principal", "crc64"])
    receipts = sa.table("receipts", sa.column("key", sa.String), sa.column("path", sa.String))
    connection = op.get_bind()
    keys = connection.execute(sa.select(receipts.c.key)).scalars().all()
    change = (
        sa.update(receipts)
        .where(receipts.c.key == sa.bindparam("of"))
        .values(path=sa.bindparam("folded"))
    )
    for start in range(0, len(keys), AT_ONCE):
        rows = [{"of": key, "folded": _folded(key)} for key in keys[start : start + AT_ONCE]]
        connection.execute(change, rows)


def downgrade() -> None:
    """Revert this migration."""
    op.drop_index("ix_receipts_principal_crc64", "receipts")
    op.drop_column("receipts", "path")


def _folded(key: str) -> str:
    return unicodedata.normalize("NFC", OWN_PATH.sub("", key).casefold())[:1024]

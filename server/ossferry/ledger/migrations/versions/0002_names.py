"""Add a column of case-folded file names, to search and sort uploads by name."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

AT_ONCE = 1000


def upgrade() -> None:
    """Apply this migration, and fill the new column of existing receipts."""
    # the default is for a process of the older version that still writes to the same database
    name = sa.Column("name", sa.String(length=1024), nullable=False, server_default="")
    op.add_column("receipts", name)
    receipts = sa.table("receipts", sa.column("key", sa.String), sa.column("name", sa.String))
    connection = op.get_bind()
    keys = connection.execute(sa.select(receipts.c.key)).scalars().all()
    change = (
        sa.update(receipts)
        .where(receipts.c.key == sa.bindparam("of"))
        .values(name=sa.bindparam("folded"))
    )
    for start in range(0, len(keys), AT_ONCE):
        rows = [{"of": key, "folded": _folded(key)} for key in keys[start : start + AT_ONCE]]
        connection.execute(change, rows)


def downgrade() -> None:
    """Revert this migration."""
    op.drop_column("receipts", "name")


def _folded(key: str) -> str:
    return unicodedata.normalize("NFC", key.rpartition("/")[2].casefold())[:1024]

"""The first schema: locks, tokens, and which token may use which lock."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _make_locks()
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True)),
        sa.Column("last_used", sa.DateTime(timezone=True)),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "grants",
        sa.Column("token_id", sa.Integer, sa.ForeignKey("tokens.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("lock_id", sa.Integer, sa.ForeignKey("locks.id", ondelete="CASCADE"), primary_key=True),
    )


def _make_locks() -> None:
    op.create_table(
        "locks",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("target", sa.String, nullable=False),
        sa.Column("wire_id", sa.BigInteger, nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("zone", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("list_version", sa.BigInteger),
    )

"""What locks have last told, what happened at them, and how far that is read."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    _make_states()
    op.create_table(
        "readings",
        sa.Column("lock_id", sa.Integer, sa.ForeignKey("locks.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("life", sa.Integer, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True)),
    )
    _make_activity()


def _make_states() -> None:
    op.create_table(
        "states",
        sa.Column("lock_id", sa.Integer, sa.ForeignKey("locks.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("reached", sa.Boolean, nullable=False),
        sa.Column("model", sa.String),
        sa.Column("serial", sa.String),
        sa.Column("firmware_version", sa.String),
        sa.Column("capabilities", sa.BigInteger, nullable=False),
        sa.Column("info_told", sa.DateTime(timezone=True)),
        sa.Column("bolt", sa.Integer, nullable=False),
        sa.Column("bolt_since", sa.DateTime(timezone=True)),
        sa.Column("door", sa.Integer, nullable=False),
        sa.Column("jammed", sa.Boolean, nullable=False),
        sa.Column("battery", sa.Integer),
        sa.Column("state_told", sa.DateTime(timezone=True)),
    )


def _make_activity() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("lock_id", sa.Integer, sa.ForeignKey("locks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("life", sa.Integer, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("clock", sa.Integer, nullable=False),
        sa.Column("event", sa.Integer),
        sa.Column("cause", sa.Integer, nullable=False),
        sa.Column("detail", sa.Integer, nullable=False),
        sa.Column("pin_id", sa.Integer, nullable=False),
        sa.Column("peer_id", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("lock_id", "life", "first"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_activity_lock_id_date", "activity", ["lock_id", "date"])

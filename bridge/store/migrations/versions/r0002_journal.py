"""The journal of changes with its indexes, and the numbers that locks were given.

A registry that counted its versions in a table (see upgrading.py) has the journal's table if its count was 2.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables, and note the numbers of the locks that there are."""
    _make_changes()
    op.create_table("lock_numbers", sa.Column("number", sa.Integer, primary_key=True, autoincrement=False))
    op.execute("INSERT INTO lock_numbers (number) SELECT id FROM locks")


def _make_changes() -> None:
    op.create_table(
        "changes",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("wire_id", sa.BigInteger, nullable=False),
        sa.Column("operation", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.LargeBinary, nullable=False),
        sa.Column("request_mark", sa.LargeBinary, nullable=False),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("token_id", sa.Integer),
        sa.Column("key", sa.String),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("ended", sa.DateTime(timezone=True)),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.drop_index("ix_changes_wire_id", "changes", if_exists=True)
    op.create_index("ix_changes_request", "changes", ["wire_id", "token_id", "request_mark"])
    op.create_index("ix_changes_open", "changes", ["state", "wire_id"])
    op.create_index("ix_changes_key", "changes", ["token_id", "key"])
    op.create_index("ix_changes_begun", "changes", ["begun"])

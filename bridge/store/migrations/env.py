"""How Alembic reaches a database: by the connection that a registry opens, or by LATCHWIRE_DATABASE for developers."""

import asyncio
import os

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from bridge.store.schema import Base


def migrate(connection: Connection) -> None:
    """Carry out the command over `connection`, in the transaction that its owner has begun, if any."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


async def migrate_by_url(url: str) -> None:
    """Carry out the command at `url`."""
    engine = create_async_engine(url, hide_parameters=True)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
elif url := os.environ.get("LATCHWIRE_DATABASE"):
    asyncio.run(migrate_by_url(url))
else:
    raise CommandError("Name a database with an asynchronous driver in LATCHWIRE_DATABASE.")

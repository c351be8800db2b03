"""The ledger's database: connections, transactions and migrations.

SQLite (in WAL mode) and PostgreSQL are supported. Committed data survives a crash of the process
(`kill -9`). On SQLite, a writer waits for other writers before its transaction begins. Therefore a
running transaction never fails because the database is locked.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import aiosqlite
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ossferry.errors import LedgerLostError, SettingsError
from ossferry.extras import require_extra
from ossferry.ledger.tables import metadata
from ossferry.observability.log_format import cause_of, logger

__all__ = ["AsyncConnection", "Database", "Revisions", "check_ledger", "insert", "lock"]

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_S = 3.0
CONNECT_TIMEOUT_S = 3.0
ASK_AGAIN_S = 0.01
WAIT_S = 10.0
"""How long to wait for a free connection of the pool, or for the other writers of this process."""

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
ABOUT_CONNECTIONS = ("08", "28", "3D", "53", "57")
"""Classes of PostgreSQL's error codes whose messages are about connections and resources. Source:
PostgreSQL documentation, appendix A.
"""
MIGRATION_LOCK = 7_046_112_358  # an arbitrary number, the same in every process
MIGRATING = threading.Lock()
"""Held while a migration runs, because Alembic keeps the running migration in global variables.

Not an `asyncio.Lock`: several event loops of one process may each open a ledger.
"""

OLDER = (
    "OSSFERRY_DATABASE_URL has the tables of an older release; start the previous release of"
    " ossferry once, which updates them."
)
NEWER = "OSSFERRY_DATABASE_URL was migrated by a newer version; update ossferry."

log = logger("ossferry.ledger")


def insert(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT statement for a table; the statement supports ON CONFLICT.

    Args:
        dialect: `postgresql` or `sqlite`.
    """
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions:
    """The revision numbers of the ledger's table definitions.

    Attributes:
        found: revision of the tables in the database; None if there are no tables.
        newest: revision that this version of ossferry uses.
    """

    found: str | None
    newest: str


class Database:
    """The ledger's database; connections are opened on first use.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/name`.
        busy_timeout_s: on SQLite, the longest time in seconds to wait for other processes; on
            PostgreSQL, the longest time in seconds that a statement may take.

    Raises:
        SettingsError: the folder of the SQLite file does not exist, or the package for PostgreSQL
            is not installed.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._connections: list[aiosqlite.Connection] = []
        self._engine = _engine(sa.make_url(url), busy_timeout_s, self._connections)
        self._writing = self._engine.execution_options(writes=True)
        self._writers = asyncio.Lock()
        self._opening = asyncio.Lock()
        self._is_open = False

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Context manager that opens a transaction for reading; its value is the connection.

        Raises:
            LedgerLostError: the database does not answer.
        """
        await self._open()
        with _lost():
            async with self._engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Context manager that opens a transaction for writing; its value is the connection.

        The transaction is committed on normal exit, and rolled back on an exception.

        Raises:
            LedgerLostError: the database does not answer, or the transaction cannot be written.
        """
        await self._open()
        if self._engine.dialect.name != "sqlite":
            with _lost():
                async with self._engine.begin() as connection:
                    yield connection
            return
        await self._turn()
        try:
            with _lost():
                async with self._writing.begin() as connection:
                    yield connection
        finally:
            self._writers.release()

    async def look(self) -> Revisions:
        """Return the revision of the tables in the database and the newest one, without migrating.

        If there are no tables yet, create them and roll back, to test the rights to do so.

        Raises:
            LedgerLostError: the database does not answer, or the tables cannot be created.
        """
        with _lost():
            async with self._engine.begin() as connection:
                revision = await connection.run_sync(_revision)
            if revision is None:
                await self._rehearse()
        return Revisions(found=revision, newest=_newest())

    async def _rehearse(self) -> None:
        """Create the tables, and roll back."""
        async with _migrating(), self._writing.connect() as connection:
            await connection.begin()
            try:
                await connection.run_sync(_migrate)
            except ProgrammingError as error:  # the database user may not create tables
                raise LedgerLostError(_why(error)[0]) from error
            finally:
                await connection.rollback()

    async def close(self) -> None:
        """Close all connections, and wait until their threads have ended.

        The wait is necessary because SQLAlchemy does not wait for a connection whose task is
        cancelled. The connection's thread reports the end of the statement to the event loop, which
        must still run.
        """
        await self._engine.dispose()
        for connection in self._connections:
            connection.stop()
            await asyncio.to_thread(connection._thread.join)

    async def _turn(self) -> None:
        """Acquire the write lock; wait while another task of this process writes.

        Raises:
            LedgerLostError: the lock was not free within `WAIT_S` seconds.
        """
        try:
            async with asyncio.timeout(WAIT_S):
                await self._writers.acquire()
        except TimeoutError as error:
            raise LedgerLostError("busy") from error

    async def _open(self) -> None:
        if self._is_open:
            return
        async with self._opening:
            if not self._is_open:
                with _lost():
                    await self._bring_up_to_date()
                self._is_open = True

    async def _bring_up_to_date(self) -> None:
        """Run the missing migrations.

        Usually no migration is missing, so the check for missing migrations takes no write lock.
        """
        newest = _newest()
        async with self._engine.begin() as connection:
            if await connection.run_sync(_revision) == newest:
                return
        async with _migrating(), self._writing.begin() as connection:
            await connection.run_sync(_migrate)


async def check_ledger(url: str) -> None:
    """Open the ledger once, migrate its tables to the newest version, and close it.

    Log a warning if the database does not answer, because the server may start before its database.

    Raises:
        SettingsError: the ledger can never be used, for example because its folder is missing or
            cannot be written.
    """
    database = Database(url)
    _require_writable(sa.make_url(url))
    try:
        async with database.read():
            pass
    except LedgerLostError as error:
        log.warning("ledger-unreachable", error=error.reason, cause=error.cause)
    finally:
        await database.close()


def _require_writable(url: sa.URL) -> None:
    """Check that this process may write the SQLite file and its folder.

    SQLite creates files beside the ledger. The rights and read-only mounts of a process rarely
    change while it runs.

    Raises:
        SettingsError: this process may not write the file or the folder.
    """
    if url.get_backend_name() != "sqlite":
        return
    file = Path(url.database or "").absolute()
    for path, mode in ((file.parent, os.W_OK | os.X_OK), (file, os.R_OK | os.W_OK)):
        if path.exists() and not os.access(path, mode):
            raise SettingsError(
                f"OSSFERRY_DATABASE_URL: the user of this process cannot write {path}; let it"
                " write the ledger's file and its folder."
            )


def _engine(
    url: sa.URL, busy_timeout_s: float, connections: list[aiosqlite.Connection]
) -> AsyncEngine:
    """Return an engine that keeps its running SQLite connections in `connections`."""
    name = url.get_backend_name()
    driver = url.set(drivername=DRIVERS[name])
    if name == "postgresql":
        require_extra("postgresql", module="asyncpg", needed_by="OSSFERRY_DATABASE_URL")
        import asyncpg

        address = url.render_as_string(hide_password=False)
        connect = partial(
            asyncpg.connect, address, timeout=CONNECT_TIMEOUT_S, command_timeout=busy_timeout_s
        )  # asyncpg itself handles `sslmode` and the other parameters of a PostgreSQL address
        return create_async_engine(
            driver, async_creator=connect, pool_size=10, max_overflow=0, pool_timeout=WAIT_S
        )
    folder = Path(url.database or "").absolute().parent
    if not folder.is_dir():
        raise SettingsError(
            f"OSSFERRY_DATABASE_URL: the folder {folder} does not exist; create it."
        )

    def open_sqlite(*arguments: Any, **options: Any) -> aiosqlite.Connection:
        connection = aiosqlite.connect(*arguments, **options)
        connection._thread.daemon = True  # as SQLAlchemy does without this function
        connections[:] = [*(each for each in connections if each._thread.is_alive()), connection]
        return connection

    engine = create_async_engine(
        driver, connect_args={"timeout": busy_timeout_s, "async_creator_fn": open_sqlite}
    )
    prepare = partial(_prepare_sqlite, busy_timeout_s=busy_timeout_s)
    sa.event.listen(engine.sync_engine, "connect", prepare)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object, *, busy_timeout_s: float) -> None:
    """Configure a new SQLite connection.

    Turn off the driver's implicit transactions, and turn on WAL mode and foreign keys. Each commit
    is synchronized to disk.
    """
    connection.isolation_level = None
    connection.run_async(partial(_write_ahead, busy_timeout_s=busy_timeout_s))
    cursor = connection.cursor()
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _write_ahead(connection: aiosqlite.Connection, *, busy_timeout_s: float) -> None:
    """Switch the database file to WAL mode.

    While another process writes to a new file, SQLite refuses the switch without waiting. Therefore
    this function tries again until the switch succeeds or the timeout has passed.

    Raises:
        TimeoutError: the database stayed busy for `busy_timeout_s` seconds.
        sqlite3.Error: SQLite refused the switch for another reason.
    """
    async with asyncio.timeout(busy_timeout_s):
        while True:
            try:
                await connection.execute_fetchall("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            else:
                return
            await asyncio.sleep(ASK_AGAIN_S)


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _newest() -> str:
    """Return the newest revision of the migrations; revisions are numbers of four digits.

    The result is cached, because reading the migration scripts is slow.
    """
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None  # noqa: S101 - there is at least one migration
    return newest


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@asynccontextmanager
async def _migrating() -> AsyncIterator[None]:
    """Hold `MIGRATING` inside the `async with` block.

    Raises:
        LedgerLostError: another migration of this process ran for longer than `WAIT_S` seconds.
    """
    try:
        async with asyncio.timeout(WAIT_S):
            while not MIGRATING.acquire(blocking=False):  # noqa: ASYNC110  # held by another loop
                await asyncio.sleep(ASK_AGAIN_S)
    except TimeoutError as error:
        raise LedgerLostError("busy") from error
    try:
        yield
    finally:
        MIGRATING.release()


def _migrate(connection: sa.Connection) -> None:
    """Create the tables, or upgrade them, unless another process has already done so.

    Raises:
        SettingsError: the tables are of a newer version of ossferry, or of a version so old that
            its migrations are no longer here.
    """
    found = _revision(connection)
    if found == _newest():
        return
    config = _config()
    config.attributes["connection"] = connection
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        found = _revision(connection)  # another process may have created them meanwhile
    if found is None:
        metadata.create_all(connection, checkfirst=False)
        MigrationContext.configure(connection).stamp(ScriptDirectory.from_config(config), "head")
        return
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        is_older = found < _newest()
        raise SettingsError(OLDER if is_older else NEWER) from error


async def lock(
    connection: AsyncConnection, rows: sa.Select[Any], keys: Sequence[str]
) -> Mapping[str, Any]:
    """Lock the rows that exist until the transaction ends, and return them by key.

    They are locked in the order of their keys, so that two transactions do not wait for each other.

    Args:
        rows: the query for all rows; it has a column `key`.
    """
    if not keys:
        return {}
    key = rows.selected_columns["key"]
    wanted = rows.where(key.in_(keys)).order_by(key).with_for_update()
    return {row.key: row for row in await connection.execute(wanted)}


@contextmanager
def _lost() -> Iterator[None]:
    """Convert database failures inside the `with` block to `LedgerLostError`.

    Errors caused by the server's own statements (integrity, programming and data errors) are not
    converted.

    Raises:
        LedgerLostError: the database does not answer or cannot write.
    """
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        reason, cause = _why(error)
        log.error("ledger-lost", error=reason, cause=cause)
        raise LedgerLostError(reason, cause=cause) from error


def _why(error: BaseException) -> tuple[str, str]:
    """Return why the database does not answer, for the log: the type of the error, and its words.

    The words are those of PostgreSQL if it refuses the connection or ends it: they name the user or
    the database, but no password and no data. The words of SQLite name no data either. Otherwise
    the words are from the operating system.
    """
    found: BaseException | None = error
    while found is not None:
        if type(found).__module__.startswith("asyncpg."):  # which may not be installed
            about_connection = str(getattr(found, "sqlstate", ""))[:2] in ABOUT_CONNECTIONS
            return type(found).__name__, str(found) if about_connection else ""
        found = found.__cause__ or found.__context__
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, sqlite3.Error):
        return type(cause).__name__, str(cause)
    return type(cause).__name__, cause_of(error)

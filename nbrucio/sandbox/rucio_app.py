"""Rucio's REST server on SQLite, without memcached. Runs in a process of its own: Rucio's settings are global."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nbrucio.sandbox.chaos import faulty_rucio
from nbrucio.sandbox.layout import SandboxLayout

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from rucio.db.sqla.constants import DatabaseOperationType
    from sqlalchemy.orm import Session


def make_application(layout: SandboxLayout) -> WSGIApplication:
    """Return the WSGI application. The first call in a sandbox creates the database."""
    prepare()
    if not layout.database.exists():
        _create_database()
    _let_owners_remove_rules()  # connects to the database
    from rucio.web.rest.flaskapi.v1 import main

    return faulty_rucio(main.application, layout.chaos)


def prepare() -> None:
    """Adapt Rucio in this process to SQLite and to a machine without memcached."""
    _cache_in_memory()
    _let_writers_wait()


def _cache_in_memory() -> None:
    """Give every cache of Rucio a backend in this process.

    Without memcached Rucio caches nothing and asks the database for an RSE's settings once per replica, 30 ms per file.
    A memcached on this machine would be shared by all its sandboxes. This must run before a module of Rucio creates a
    cache; no setting replaces it.
    """
    from rucio.common import cache

    class InMemoryRegion(cache.CacheRegion):  # type: ignore[misc]  # Rucio has no types
        def __init__(
            self,
            expiration_time: int,
            function_key_generator: Callable[..., object] | None = None,
            memcached_expire_time: int | None = None,  # noqa: ARG002 (the signature of the class it stands in for)
        ) -> None:
            options = {"function_key_generator": function_key_generator} if function_key_generator else {}
            super().__init__(**options)
            # Pickled like memcached's values, because callers modify cached objects.
            self.configure("dogpile.cache.memory_pickle", expiration_time=expiration_time)

    cache.MemcacheRegion = InMemoryRegion


def _let_writers_wait() -> None:
    """Make each writing session take SQLite's write lock at its start.

    A transaction that reads first and then writes cannot wait for another writer: its snapshot is outdated by then, and
    SQLite fails at once with "database is locked". With four parallel writers, every third call failed. This must run
    before a module of Rucio imports the function by name.
    """
    from rucio.db.sqla import session as sessions
    from rucio.db.sqla.constants import DatabaseOperationType

    deferred = sessions.db_session

    @contextmanager
    def db_session(operation: DatabaseOperationType) -> Iterator[Session]:
        with deferred(operation) as session:
            if operation is DatabaseOperationType.WRITE:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session

    sessions.db_session = db_session


def _let_owners_remove_rules() -> None:
    """Let an account remove its own rules, as some experiments' policies do; the generic one lets only admins."""
    from rucio.core.permission import generic

    admins = generic.perm_del_rule

    def perm_del_rule(issuer: object, kwargs: dict[str, str], *, session: Session | None = None) -> bool:
        from rucio.core.rule import get_rule

        owner = get_rule(rule_id=kwargs["rule_id"], session=session)["account"]
        return owner == issuer or bool(admins(issuer, kwargs, session=session))

    generic.perm_del_rule = perm_del_rule


def _create_database() -> None:
    from rucio.db.sqla import models
    from rucio.db.sqla.session import get_engine
    from rucio.db.sqla.util import create_base_vo, create_root_account

    engine = get_engine()
    with engine.connect() as connection:
        # In this mode, which is stored in the file, readers and a writer do not wait for each other.
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    models.register_models(engine)
    create_base_vo()
    create_root_account()

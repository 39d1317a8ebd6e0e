"""Logins that the panel starts. Each runs in a thread, because the user may take minutes in the browser."""

from __future__ import annotations

import queue
import re
import threading
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from logging import Logger
from typing import Any

from nbrucio.config import Config, Instance, load
from nbrucio.core.cancellation import until
from nbrucio.disk.libraries import unexpected
from nbrucio.disk.threads import DaemonThread
from nbrucio.errors import CredentialsRejected, Interrupted, NbrucioError, UsageError
from nbrucio.operations.login import LoginPage, Wishes, log_in
from nbrucio.operations.whoami import LoginRow

#: Logins that run at once, and ended ones whose result can still be asked.
_RUNNING, _KEPT = 16, 50
#: Kinds of login for which a program reads the passphrase.
_BY_PROGRAM = ("x509_proxy", "gss")
_VOMS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/=-]{0,200}")
#: Seconds between two looks whether the wait for a code was cancelled.
_TICK_S = 0.2


class LoginJob:
    """One login, and the `nbrucio.operations.login.Dialogue` in which the panel answers. Thread-safe.

    The password is held until the login has used it, and is no part of the answers.
    """

    at_terminal = False

    def __init__(
        self, instance: Instance, password: tuple[str, str] | None = None, passphrase: str | None = None
    ) -> None:
        self.id = uuid.uuid4().hex
        self.instance = instance
        self.state = "running"
        self._password = password
        self._passphrase = passphrase
        self._page: LoginPage | None = None
        self._codes: queue.Queue[str] = queue.Queue()
        self._stopped = threading.Event()
        self._row: LoginRow | None = None
        self._error: NbrucioError | None = None

    def as_json(self) -> dict[str, object]:
        """The state of this login; ``page`` is where the user logs in."""
        page = None
        if self._page is not None:
            end = datetime.fromtimestamp(int(self._page.expires_at), timezone.utc).isoformat()
            page = {"url": self._page.url, "expires_at": end, "paste_code": self._page.paste_code}
        return {
            "id": self.id,
            "instance": self.instance.name,
            "state": self.state,
            "page": page,
            "login": self._row.as_json() if self._row else None,
            "error": self._error.as_json() if self._error else None,
        }

    def run(self, config: Config, wishes: Wishes, log: Logger) -> None:
        """Log in; the result is in `as_json`."""
        try:
            with until(self._stopped):
                self._row = log_in(self.instance, config, self, wishes)
            self.state = "done"
        except NbrucioError as error:
            self._error, self.state = error, "failed"
        except Exception as error:
            log.exception("nbrucio: a login ended with an error of nbrucio")
            self._error, self.state = unexpected(error), "failed"
        finally:
            self._password = self._passphrase = None

    @property
    def ended(self) -> bool:
        """Whether the login is over."""
        return self.state in ("done", "failed")

    def stop(self) -> None:
        """End the wait for the user."""
        self._stopped.set()

    def answer(self, code: str) -> None:
        """Give the login the code that the page showed."""
        self.state = "running" if self.state == "waiting" else self.state
        self._codes.put(code)

    def password(self, instance: Instance) -> tuple[str, str] | None:
        """See `nbrucio.operations.login.Dialogue`."""
        if self._password is None and instance.credentials.password is None:
            raise CredentialsRejected(
                f"The login to {instance.name} needs a password.", subject=instance.name, hint="Type the password."
            )
        return self._password

    def passphrase(self) -> str | None:
        """See `nbrucio.operations.login.Dialogue`."""
        return self._passphrase

    def page(self, login: LoginPage) -> None:
        """See `nbrucio.operations.login.Dialogue`."""
        self._page, self.state = login, "waiting"

    def code(self, attempt: int) -> str:  # noqa: ARG002 - the panel sees the state
        """See `nbrucio.operations.login.Dialogue`."""
        self.state = "waiting"
        while not self._stopped.is_set():
            try:
                return self._codes.get(timeout=_TICK_S)
            except queue.Empty:
                continue
        raise Interrupted(f"The login to {self.instance.name} was cancelled.", subject=self.instance.name)


class LoginJobs:
    """The logins of this server."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._jobs: dict[str, LoginJob] = {}

    def start(self, body: Mapping[str, Any]) -> LoginJob:
        """Start the login that ``body`` asks for; it replaces one that still waits for the same instance.

        Raises:
            NbrucioError: the request is wrong, or there is no such instance.
        """
        config = load()
        instance = config.instance(body.get("instance"))
        by_program = instance.auth_type in _BY_PROGRAM
        job = (
            LoginJob(instance, None, body.get("password"))
            if by_program
            else LoginJob(instance, _password(body, instance))
        )
        wishes = Wishes(
            body.get("renew", False), body.get("way"), body.get("paste_code") or None, _words(body, instance)
        )
        with self._lock:
            running = [one for one in self._jobs.values() if not one.ended]
            for one in running:
                if one.instance.name == instance.name:
                    one.stop()
            if len(running) >= _RUNNING:
                raise UsageError(
                    f"{len(running)} logins are running already.", hint="Wait until one of them has ended."
                )
            for old in [one.id for one in self._jobs.values() if one.ended][:-_KEPT]:
                del self._jobs[old]
            self._jobs[job.id] = job
        arguments = (config, wishes, self._log)
        DaemonThread(job.run, "nbrucio-login", arguments).start()
        return job

    def get(self, identity: object) -> LoginJob:
        """Return the login with this id.

        Raises:
            UsageError: there is none.
        """
        found = self._jobs.get(identity) if isinstance(identity, str) else None
        if found is None:
            raise UsageError("There is no login with this id.", hint="Start it again.")
        return found

    def close(self) -> None:
        """End all waits for a user."""
        for job in list(self._jobs.values()):
            job.stop()


def _password(body: Mapping[str, Any], instance: Instance) -> tuple[str, str] | None:
    password = body.get("password")
    username = body.get("username") or instance.credentials.username or instance.account
    if password is None:
        return None
    if username is None:
        raise UsageError("The login needs a username.", hint="Send it as 'username'.")
    return username, password


def _words(body: Mapping[str, Any], instance: Instance) -> tuple[str, ...]:
    """Arguments of voms-proxy-init: a page in the browser chooses the virtual organisation and no other option."""
    voms = body.get("voms")
    if not voms or instance.auth_type != "x509_proxy":
        return ()
    if not _VOMS.fullmatch(voms):
        raise UsageError("'voms' must be a virtual organisation, for example cms or cms:/cms/Role=production.")
    return ("-voms", voms)

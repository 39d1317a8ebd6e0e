"""REST under ``/nbrucio/``. Text becomes values here; every blocking call runs in a thread."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import tornado.web
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler

from nbrucio.errors import BadNotebook, Interrupted, NbrucioError, UsageError
from nbrucio.http.giveup import until
from nbrucio.jupyter import lookups
from nbrucio.jupyter.context import ServerContext
from nbrucio.jupyter.opening import Chosen
from nbrucio.jupyter.syncs import Wish
from nbrucio.readfile import parse_json

Verb = Callable[..., Awaitable[None]]
P = ParamSpec("P")
T = TypeVar("T")

#: By the exit code of an error.
_HTTP_STATUS = {2: 400, 3: 409, 4: 404, 5: 409, 6: 507, 7: 502, 8: 503, 9: 502, 10: 409, 130: 409}


def verb(method: Verb) -> Verb:
    """A verb of the API: for users who are logged in and allowed to; its errors become JSON."""

    @tornado.web.authenticated
    @authorized
    @wraps(method)
    async def answered(self: NbrucioHandler) -> None:
        try:
            await method(self)
        except NbrucioError as error:
            self.fail(error)
        except tornado.web.HTTPError:
            raise
        except Exception as error:
            self.log.exception("nbrucio: %s %s ended by a fault", self.request.method, self.request.path)
            self.fail(NbrucioError(f"This is a fault in nbrucio: {type(error).__name__}: {error}", hint="Report it."))

    return answered  # type: ignore[return-value]  # tornado's decorators are written for plain functions


class JsonText(str):
    """A value as JSON already."""

    __slots__ = ()


async def _written_in(pool: Executor, function: Callable[..., object], *arguments: object) -> JsonText:
    loop = asyncio.get_running_loop()
    # Writing 10,000 requirements as JSON takes as long as many requests.
    return await loop.run_in_executor(pool, lambda: JsonText(json.dumps(function(*arguments))))


class NbrucioHandler(APIHandler):
    """What the handlers share."""

    auth_resource = "nbrucio"

    def initialize(self, app: ServerContext) -> None:
        """Called by tornado with what the route holds."""
        self.app = app
        self.gone = threading.Event()

    def on_connection_close(self) -> None:
        """Called by tornado when the client left: what was asked of Rucio for it is given up."""
        self.gone.set()

    def reply(self, value: object, status: int = 200) -> None:
        """Answer with ``value`` as JSON."""
        self.set_status(status)
        self.finish(value if isinstance(value, JsonText) else json.dumps(value))

    def fail(self, error: NbrucioError) -> None:
        """Answer with ``error``."""
        self.reply({"error": error.as_json()}, _HTTP_STATUS.get(error.exit_code, 500))

    async def in_thread(self, function: Callable[..., object], *arguments: object) -> JsonText:
        """The result of ``function``, which asks this machine only, computed and written off the event loop."""
        return await _written_in(self.app.local_pool, function, *arguments)

    async def from_rucio(self, about: object, function: Callable[..., object], *arguments: object) -> JsonText:
        """The result of ``function``, which asks Rucio and may take as long as it.

        Args:
            about: the instance or notebook; calls about the same one wait for each other when they are many.
        """
        return await _written_in(self.app.remote_pool.about(str(about)), self.asking(function), *arguments)

    def asking(self, function: Callable[P, T]) -> Callable[P, T]:
        """``function``, whose requests are given up when the client leaves."""

        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            if self.gone.is_set():
                raise Interrupted("The client left before its turn came.")
            with until(self.gone):
                return function(*args, **kwargs)

        return ask

    def body(self) -> Mapping[str, Any]:
        """The JSON object that was sent.

        Raises:
            UsageError: it is none.
        """
        try:
            value = parse_json(self.request.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise UsageError("The body of the request is not a JSON object.")
        return value

    def notebook(self, path: object) -> Path:
        """The file of the notebook that the contents API calls ``path``.

        Raises:
            UsageError: no path was given.
            BadNotebook: there is no such notebook.
        """
        if not isinstance(path, str) or not path:
            raise UsageError("The request names no notebook.", hint="Give its path as 'path'.")
        found = self.app.file_of(path)
        if found is None or not found.is_file():
            raise BadNotebook(f"There is no notebook {path!r}.", subject=path)
        return found


class StatusHandler(NbrucioHandler):
    """What is here of what a notebook declares, and whether a sync is under way."""

    @verb
    async def get(self) -> None:
        """``?path=…&files=1&check=1``; the files of each requirement only when asked for, drift likewise."""
        path = self.notebook(self.get_query_argument("path", None))
        with_files, check = (self.get_query_argument(name, "0") == "1" for name in ("files", "check"))
        run = self.app.syncs.last(path)
        arguments = (path, run, with_files, check)
        if check:
            self.reply(await self.from_rucio(path, lookups.status, *arguments))
        else:
            self.reply(await self.in_thread(lookups.status, *arguments))


class PlanHandler(NbrucioHandler):
    """What a sync would do."""

    @verb
    async def get(self) -> None:
        """``?path=…``"""
        path = self.notebook(self.get_query_argument("path", None))
        self.reply(await self.from_rucio(path, lookups.plan, path))


class SyncHandler(NbrucioHandler):
    """Start a sync."""

    @verb
    async def post(self) -> None:
        """``{"path", "open", "again", "once", "refresh"}``; ``open`` means that nobody asked, so that grants decide."""
        body = self.body()
        path = self.notebook(body.get("path"))
        if body.get("open") is True:
            run = self.app.opened(str(body["path"]), path, again=body.get("again") is True)
        else:
            wish = Wish(explicit=True, refresh=body.get("refresh") is True, once=body.get("once") is True)
            run = self.app.begin(str(body["path"]), path, wish)
        self.reply({"sync": lookups.run_as_json(run) if run else None}, 202)


class LockHandler(NbrucioHandler):
    """Resolve anew what a notebook declares."""

    @verb
    async def post(self) -> None:
        """``{"path", "handles"}``; answers what to lock, for the editor that has the notebook open to write."""
        body = self.body()
        path = self.notebook(body.get("path"))
        self.reply(await self.from_rucio(path, lookups.lock, path, body))


class CancelHandler(NbrucioHandler):
    """Stop a sync."""

    @verb
    async def post(self) -> None:
        """``{"path"}``"""
        self.reply({"cancelled": self.app.syncs.cancel(self.notebook(self.body().get("path")))})


class InstancesHandler(NbrucioHandler):
    """The configured instances."""

    @verb
    async def get(self) -> None:
        """No arguments."""
        self.reply(await self.in_thread(lookups.instances))


class GrantsHandler(NbrucioHandler):
    """What the user agreed to download."""

    @verb
    async def get(self) -> None:
        """No arguments."""
        self.reply(await self.in_thread(lookups.grants, self.app.grants))

    @verb
    async def post(self) -> None:
        """``{"did", "instance", "max_bytes"}``"""
        self.reply(await self.in_thread(lookups.grant, self.app.grants, self.body()), 201)

    @verb
    async def delete(self) -> None:
        """``{"did", "instance"}``"""
        self.reply(await self.in_thread(lookups.revoke, self.app.grants, self.body()))


class OpeningHandler(NbrucioHandler):
    """What opening a notebook does."""

    @verb
    async def get(self) -> None:
        """No arguments."""
        self.reply({**self.app.opening.as_json(), "allowed": self.app.allowed.as_json()})

    @verb
    async def post(self) -> None:
        """``{"level", "budget_bytes"}``: what the user wants, null for what the operator allows."""
        self.app.chosen = Chosen.of(self.body())
        self.reply({**self.app.opening.as_json(), "allowed": self.app.allowed.as_json()})


class StoreHandler(NbrucioHandler):
    """The local store."""

    @verb
    async def get(self) -> None:
        """``?usage=1`` counts what is in it, too."""
        self.reply(await self.in_thread(lookups.store, self.get_query_argument("usage", "0") == "1"))


class OpenApiHandler(NbrucioHandler):
    """The description of this API."""

    @verb
    async def get(self) -> None:
        """No arguments."""
        self.reply(json.loads((Path(__file__).parent / "openapi.json").read_text(encoding="utf-8")))


ROUTES: dict[str, type[NbrucioHandler]] = {
    "status": StatusHandler,
    "plan": PlanHandler,
    "sync": SyncHandler,
    "cancel": CancelHandler,
    "lock": LockHandler,
    "instances": InstancesHandler,
    "grants": GrantsHandler,
    "opening": OpeningHandler,
    "store": StoreHandler,
    "openapi.json": OpenApiHandler,
}

"""Base of the REST handlers."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from functools import cache, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import nbrucio_schemas
import tornado.web
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler

from nbrucio.core.cancellation import until
from nbrucio.core.schema import schema_faults
from nbrucio.disk.libraries import unexpected
from nbrucio.disk.read import parse_json
from nbrucio.errors import BadNotebook, Interrupted, NbrucioError, UsageError
from nbrucio.jupyter.context import ServerContext

ApiMethod = Callable[..., Awaitable[None]]


P = ParamSpec("P")


T = TypeVar("T")


#: By the exit code of an error.
_HTTP_STATUS = {2: 400, 3: 409, 4: 404, 5: 409, 6: 507, 7: 502, 8: 503, 9: 502, 10: 409, 130: 409}


def api_method(method: ApiMethod) -> ApiMethod:
    """Wrap a method of the API: check login and permission, and answer errors as JSON."""

    @tornado.web.authenticated
    @authorized
    @wraps(method)
    async def answered(self: NbrucioHandler) -> None:
        try:
            self.check_query()
            await method(self)
        except NbrucioError as error:
            self.fail(error)
        except tornado.web.HTTPError:
            raise
        except Exception as error:
            self.log.exception("nbrucio: %s %s ended with an error of nbrucio", self.request.method, self.request.path)
            self.fail(unexpected(error))

    return answered  # type: ignore[return-value]  # tornado's decorators are written for plain functions


class JsonText(str):
    """A value that is JSON text already."""

    __slots__ = ()


async def _written_in(pool: Executor, function: Callable[..., object], *arguments: object) -> JsonText:
    loop = asyncio.get_running_loop()
    # Writing 10,000 requirements as JSON takes 80 ms, in which the server would answer nobody.
    return await loop.run_in_executor(pool, lambda: JsonText(json.dumps(function(*arguments))))


_described = cache(nbrucio_schemas.openapi)


@cache
def _body_schema(route: str, verb: str) -> Mapping[str, Any]:
    body = _described()["paths"][f"/{route}"][verb]["requestBody"]["content"]["application/json"]["schema"]
    return {**body, "components": _described()["components"]}


@cache
def _query_schema(route: str, verb: str) -> Mapping[str, Any]:
    """Return the schema of the query as one object, of which a repeatable parameter is a list."""
    shared = _described()["components"]["parameters"]
    listed = _described()["paths"][f"/{route}"][verb].get("parameters", [])
    parameters = [shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in listed]
    return {
        "type": "object",
        "properties": {one["name"]: one["schema"] for one in parameters},
        "required": [one["name"] for one in parameters if one.get("required")],
        "additionalProperties": False,
    }


def _is_of_jupyter(name: str, given: Sequence[str]) -> bool:
    """Whether Jupyter reads this parameter, or a front end adds it against caches: JupyterLab the bare time."""
    return name in ("token", "_xsrf", "_") or (name.isdecimal() and not any(given))


def _refuse_faults(value: object, schema: Mapping[str, Any], root: str) -> None:
    for fault in schema_faults(value, schema, root=root):
        raise UsageError(fault.message, subject=fault.path, hint=fault.hint)


class NbrucioHandler(APIHandler):
    """Base class of the handlers."""

    auth_resource = "nbrucio"

    def initialize(self, app: ServerContext, route: str) -> None:
        """Called by tornado with the route's arguments."""
        self.app = app
        self.route = route
        self.gone = threading.Event()

    def on_connection_close(self) -> None:
        """Called by tornado when the client has left: its requests to Rucio are cancelled."""
        self.gone.set()

    def reply(self, value: object, status: int = 200) -> None:
        """Answer with ``value`` as JSON."""
        self.set_status(status)
        self.finish(value if isinstance(value, JsonText) else json.dumps(value))

    def fail(self, error: NbrucioError) -> None:
        """Answer with ``error``."""
        self.reply({"error": error.as_json()}, _HTTP_STATUS.get(error.exit_code, 500))

    async def in_thread(self, function: Callable[..., object], *arguments: object) -> JsonText:
        """Answer with the result of ``function``, which uses only this machine, from a thread."""
        return await _written_in(self.app.local_pool, function, *arguments)

    async def from_rucio(self, about: object, function: Callable[..., object], *arguments: object) -> JsonText:
        """Answer with the result of ``function``, which asks Rucio and may be slow.

        Args:
            about: the instance or notebook; many calls about the same one wait for each other.
        """
        return await _written_in(self.app.remote_pool.about(str(about)), self.asking(function), *arguments)

    def asking(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return ``function``, whose requests are cancelled when the client leaves."""

        def ask(*args: P.args, **kwargs: P.kwargs) -> T:
            if self.gone.is_set():
                raise Interrupted("The client left before its request started.")
            with until(self.gone):
                return function(*args, **kwargs)

        return ask

    def check_query(self) -> None:
        """Check that the query has the parameters that ``openapi.json`` describes, and no others but Jupyter's own.

        Raises:
            UsageError: it has others; the error names the first place.
        """
        schema = _query_schema(self.route, (self.request.method or "").lower())
        value: dict[str, object] = {}
        for name in self.request.query_arguments:
            given = self.get_query_arguments(name)
            if name in schema["properties"] or not _is_of_jupyter(name, given):
                many = schema["properties"].get(name, {}).get("type") == "array"
                value[name] = given if many or len(given) > 1 else given[0]
        _refuse_faults(value, schema, "query")

    def body(self) -> Mapping[str, Any]:
        """Return the JSON object in the request's body, which is as ``openapi.json`` describes it.

        Raises:
            UsageError: the body has another form; the error names the first place.
        """
        try:
            value: Mapping[str, Any] = parse_json(self.request.body or b"{}")
        except ValueError as error:
            raise UsageError("The body of the request is not JSON.") from error
        schema = _body_schema(self.route, (self.request.method or "").lower())
        _refuse_faults(value, schema, "body")
        return value

    def notebook(self, path: object) -> Path:
        """Return the file of the notebook that the contents API calls ``path``.

        Raises:
            UsageError: no path was given.
            BadNotebook: it does not exist.
        """
        if not isinstance(path, str) or not path:
            raise UsageError("The request does not name a notebook.", hint="Send its path as 'path'.")
        found = self.app.file_of(path)
        if found is None or not os.path.isfile(found):  # noqa: PTH113 - Path raises for a name that is too long
            raise BadNotebook(f"The notebook {path!r} does not exist.", subject=path)
        return found

"""REST for the Explore section, see `nbrucio.operations.browse`."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator

from tornado.iostream import StreamClosedError

from nbrucio.disk.libraries import unexpected
from nbrucio.errors import NbrucioError
from nbrucio.jupyter.handlers.base import NbrucioHandler, api_method
from nbrucio.operations import browse, placement

#: How many lines wait for a slow browser before reading from Rucio pauses.
_AHEAD = 16
_NDJSON = "application/x-ndjson"


class StreamHandler(NbrucioHandler):
    """Answers in lines of JSON, as they arrive from a thread."""

    async def stream(self, instance: str | None, batches: Callable[..., Iterator[object]], *arguments: object) -> None:
        """Send each batch as a line; an error before the first line is an ordinary error answer."""
        loop, gone = asyncio.get_running_loop(), self.gone
        lines: asyncio.Queue[str | NbrucioError | None] = asyncio.Queue()
        room = threading.Semaphore(_AHEAD)

        def put(line: str | NbrucioError | None) -> None:
            loop.call_soon_threadsafe(lines.put_nowait, line)

        def read() -> None:
            try:
                for rows in batches(*arguments):
                    while not room.acquire(timeout=0.2):
                        if gone.is_set():
                            return
                    if gone.is_set():
                        return
                    put(json.dumps(rows, separators=(",", ":")) + "\n")
                put(None)
            except NbrucioError as error:
                put(error)
            except Exception as error:  # an error of nbrucio must not leave the browser waiting
                self.log.exception("nbrucio: a stream ended with an error of nbrucio")
                put(unexpected(error))

        reading = loop.run_in_executor(self.app.remote_pool.about(str(instance)), self.asking(read))
        try:
            await self._send(lines, room)
        except StreamClosedError:
            self.log.debug("nbrucio: the browser stopped reading %s", self.request.path)
        finally:
            gone.set()
        await reading

    async def _send(self, lines: asyncio.Queue[str | NbrucioError | None], room: threading.Semaphore) -> None:
        line = await lines.get()
        if isinstance(line, NbrucioError):
            raise line
        self.set_header("Content-Type", _NDJSON)
        self.set_header("X-Accel-Buffering", "no")  # nginx would buffer the first hits
        while isinstance(line, str):
            self.write(line)
            await self.flush()
            room.release()
            line = await lines.get()
        last = {"end": True} if line is None else {"error": line.as_json()}
        self.finish(json.dumps(last) + "\n", set_content_type=_NDJSON)


class FindHandler(StreamHandler):
    """Find DIDs, any number of them."""

    @api_method
    async def get(self) -> None:
        """``?pattern=scope*:*&kind=collection&instance=…&filter=…``; lines of ``[did, type, bytes, files, open]``.

        Before the end, ``{"unsized": [did, …], "unsized_cut": false}`` when a filter asks for sizes that Rucio lacks.
        """
        instance = self.get_query_argument("instance", None)
        await self.stream(
            instance,
            browse.find,
            self.get_query_argument("pattern", ""),
            self.get_query_argument("kind", "collection"),
            self.get_query_arguments("filter"),
            instance,
        )


class ContentsHandler(StreamHandler):
    """The direct contents of a dataset or container."""

    @api_method
    async def get(self) -> None:
        """``?did=scope:name&instance=…``; lines as of `FindHandler`."""
        instance = self.get_query_argument("instance", None)
        await self.stream(instance, browse.contents, self.get_query_argument("did", ""), instance)


class DetailsHandler(NbrucioHandler):
    """One DID with its metadata, replicas and rules."""

    @api_method
    async def get(self) -> None:
        """``?did=scope:name&instance=…``"""
        did, instance = self.get_query_argument("did", ""), self.get_query_argument("instance", None)
        self.reply(await self.from_rucio(instance, browse.details, did, instance))


class PlacesHandler(NbrucioHandler):
    """The scopes and RSEs for an upload."""

    @api_method
    async def get(self) -> None:
        """``?instance=…``"""
        instance = self.get_query_argument("instance", None)
        self.reply(await self.from_rucio(instance, browse.places, instance))


class ScopesHandler(NbrucioHandler):
    """The scopes of a Rucio server."""

    @api_method
    async def get(self) -> None:
        """``?instance=…``"""
        instance = self.get_query_argument("instance", None)
        self.reply(await self.from_rucio(instance, browse.scopes, instance))


class DropHandler(NbrucioHandler):
    """The change of a cell into which a DID is dropped."""

    @api_method
    async def post(self) -> None:
        """``{"source", "offset", "did", "cell", "language"}``; the answer is ``{"start", "end", "text"}``."""
        body = self.body()
        self.reply(await self.in_thread(browse.drop, body))


class CostHandler(NbrucioHandler):
    """The cost of having a DID here."""

    @api_method
    async def get(self) -> None:
        """``?did=scope:name&instance=…&all=1``; without ``all`` only of a DID with few files."""
        did, instance = self.get_query_argument("did", ""), self.get_query_argument("instance", None)
        every = self.get_query_argument("all", "0") == "1"
        self.reply(await self.from_rucio(instance, placement.cost, did, instance, every))


class StageHandler(NbrucioHandler):
    """Rules that replicate a DID to an RSE."""

    @api_method
    async def get(self) -> None:
        """``?instance=…``: the RSEs at which the user has a quota."""
        instance = self.get_query_argument("instance", None)
        self.reply(await self.from_rucio(instance, placement.quotas, instance))

    @api_method
    async def post(self) -> None:
        """``{"did", "rse", "lifetime", "instance"}``"""
        body = self.body()
        self.reply(await self.from_rucio(body.get("instance"), placement.stage_to, body), 201)


class RulesHandler(NbrucioHandler):
    """The rules that nbrucio made, or the rules on a DID."""

    @api_method
    async def get(self) -> None:
        """``?instance=…``; ``?did=scope:name&instance=…`` for the rules of all accounts on a DID."""
        did, instance = self.get_query_argument("did", None), self.get_query_argument("instance", None)
        if did is None:
            self.reply(await self.from_rucio(instance, browse.rules, instance))
        else:
            self.reply(await self.from_rucio(instance, browse.rules_on, did, instance))

    @api_method
    async def delete(self) -> None:
        """``{"id", "instance"}``"""
        body = self.body()
        self.reply(await self.from_rucio(body.get("instance"), browse.remove_rule, body["id"], body.get("instance")))


ROUTES: dict[str, type[NbrucioHandler]] = {
    "find": FindHandler,
    "contents": ContentsHandler,
    "details": DetailsHandler,
    "places": PlacesHandler,
    "scopes": ScopesHandler,
    "drop": DropHandler,
    "cost": CostHandler,
    "stage": StageHandler,
    "rules": RulesHandler,
}

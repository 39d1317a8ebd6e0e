"""REST under ``/nbrucio/``. Text becomes values here; every blocking call runs in a thread."""

from __future__ import annotations

from functools import partial

import nbrucio_schemas

from nbrucio.jupyter import queries, questions
from nbrucio.jupyter.handlers.base import NbrucioHandler, api_method
from nbrucio.jupyter.open_policy import Chosen
from nbrucio.jupyter.sync_job import SyncRequest


class StatusHandler(NbrucioHandler):
    """The status of a notebook's data, and the progress of its sync."""

    @api_method
    async def get(self) -> None:
        """``?path=…&files=1&check=1``; ``files`` lists the files, ``check`` asks Rucio for changes."""
        path = self.notebook(self.get_query_argument("path", None))
        with_files, check = (self.get_query_argument(name, "0") == "1" for name in ("files", "check"))
        job = self.app.sync_jobs.last(path)
        arguments = (path, job, with_files, check)
        if check:
            self.reply(await self.from_rucio(path, queries.status, *arguments))
        else:
            self.reply(await self.in_thread(queries.status, *arguments))


class PlanHandler(NbrucioHandler):
    """The plan of a sync."""

    @api_method
    async def get(self) -> None:
        """``?path=…&exact=1``"""
        path = self.notebook(self.get_query_argument("path", None))
        exact = self.get_query_argument("exact", "0") == "1"
        self.reply(await self.from_rucio(path, partial(queries.plan, path, exact=exact)))


class SyncHandler(NbrucioHandler):
    """Start a sync."""

    @api_method
    async def post(self) -> None:
        """``{"path", "open", "again", "once", "refresh"}``; with ``open``, the grants decide, not the user."""
        body = self.body()
        path = self.notebook(body["path"])
        if body.get("open", False):
            job = self.app.opened(body["path"], path, again=body.get("again", False))
        else:
            request = SyncRequest(explicit=True, refresh=body.get("refresh", False), once=body.get("once", False))
            job = self.app.begin(body["path"], path, request)
        self.reply({"sync": queries.job_as_json(job) if job else None}, 202)


class LockHandler(NbrucioHandler):
    """Resolve a notebook's requirements again."""

    @api_method
    async def post(self) -> None:
        """``{"path", "handles"}``; the answer is the locks, which the editor of the open notebook writes."""
        body = self.body()
        path = self.notebook(body["path"])
        self.reply(await self.from_rucio(path, queries.lock, path, body.get("handles", [])))


class CancelHandler(NbrucioHandler):
    """Stop a sync."""

    @api_method
    async def post(self) -> None:
        """``{"path"}``"""
        self.reply({"cancelled": self.app.sync_jobs.cancel(self.notebook(self.body()["path"]))})


class QuestionHandler(NbrucioHandler):
    """The question for consent that a cell of a notebook waits for."""

    @api_method
    async def get(self) -> None:
        """``?path=…``"""
        path = self.notebook(self.get_query_argument("path", None))
        self.reply(await self.in_thread(questions.pending, path))

    @api_method
    async def post(self) -> None:
        """``{"path", "id", "answer"}``; the answer is ``shown`` or ``declined``. Consent is a sync."""
        body = self.body()
        path = self.notebook(body["path"])
        self.reply(await self.in_thread(questions.answer, path, body["id"], body["answer"]))


class GrantsHandler(NbrucioHandler):
    """The user's consent to downloads."""

    @api_method
    async def get(self) -> None:
        """No arguments."""
        self.reply(await self.in_thread(queries.grants, self.app.grants))

    @api_method
    async def post(self) -> None:
        """``{"did", "instance", "max_bytes"}``"""
        self.reply(
            await self.in_thread(queries.grant, self.app.grants, self.body(), self.app.allowed.budget_bytes), 201
        )

    @api_method
    async def delete(self) -> None:
        """``{"did", "instance"}``"""
        self.reply(await self.in_thread(queries.revoke, self.app.grants, self.body()))


class OpeningHandler(NbrucioHandler):
    """The setting for the opening of notebooks."""

    @api_method
    async def get(self) -> None:
        """No arguments."""
        self.reply({**self.app.opening.as_json(), "allowed": self.app.allowed.as_json()})

    @api_method
    async def post(self) -> None:
        """``{"level", "budget_bytes"}``: the user's choice; null means the operator's limit."""
        self.app.chosen = Chosen.of(self.body())
        self.reply({**self.app.opening.as_json(), "allowed": self.app.allowed.as_json()})


class StoreHandler(NbrucioHandler):
    """The local store."""

    @api_method
    async def get(self) -> None:
        """``?usage=1`` also counts its content."""
        self.reply(await self.in_thread(queries.store, self.get_query_argument("usage", "0") == "1"))


class OpenApiHandler(NbrucioHandler):
    """The description of this API."""

    @api_method
    async def get(self) -> None:
        """No arguments."""
        self.reply(nbrucio_schemas.openapi())


ROUTES: dict[str, type[NbrucioHandler]] = {
    "status": StatusHandler,
    "plan": PlanHandler,
    "sync": SyncHandler,
    "cancel": CancelHandler,
    "lock": LockHandler,
    "question": QuestionHandler,
    "grants": GrantsHandler,
    "opening": OpeningHandler,
    "store": StoreHandler,
    "openapi.json": OpenApiHandler,
}

"""REST under ``/nbrucio/``. Text becomes values here; every blocking call runs in a thread."""

from __future__ import annotations

import json
from pathlib import Path

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
        """``?path=…``"""
        path = self.notebook(self.get_query_argument("path", None))
        self.reply(await self.from_rucio(path, queries.plan, path))


class SyncHandler(NbrucioHandler):
    """Start a sync."""

    @api_method
    async def post(self) -> None:
        """``{"path", "open", "again", "once", "refresh"}``; with ``open``, the grants decide, not the user."""
        body = self.body()
        path = self.notebook(body.get("path"))
        if body.get("open") is True:
            job = self.app.opened(str(body["path"]), path, again=body.get("again") is True)
        else:
            request = SyncRequest(explicit=True, refresh=body.get("refresh") is True, once=body.get("once") is True)
            job = self.app.begin(str(body["path"]), path, request)
        self.reply({"sync": queries.job_as_json(job) if job else None}, 202)


class LockHandler(NbrucioHandler):
    """Resolve a notebook's requirements again."""

    @api_method
    async def post(self) -> None:
        """``{"path", "handles"}``; the answer is the locks, which the editor of the open notebook writes."""
        body = self.body()
        path = self.notebook(body.get("path"))
        self.reply(await self.from_rucio(path, queries.lock, path, body))


class CancelHandler(NbrucioHandler):
    """Stop a sync."""

    @api_method
    async def post(self) -> None:
        """``{"path"}``"""
        self.reply({"cancelled": self.app.sync_jobs.cancel(self.notebook(self.body().get("path")))})


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
        path = self.notebook(body.get("path"))
        self.reply(await self.in_thread(questions.answer, path, body.get("id"), body.get("answer")))


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
        self.reply(json.loads((Path(__file__).parents[1] / "openapi.json").read_text(encoding="utf-8")))


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

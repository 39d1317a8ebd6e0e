"""REST for logins, see `nbrucio.jupyter.login_jobs`. Passwords arrive in bodies only, which Jupyter never logs."""

from __future__ import annotations

from nbrucio.config import load
from nbrucio.errors import envelope
from nbrucio.jupyter.handlers.base import NbrucioHandler, api_method
from nbrucio.operations import browse
from nbrucio.operations.login import log_out
from nbrucio.operations.whoami import errors_in, logins, who_am_i


class LoginHandler(NbrucioHandler):
    """Whether the login to an instance works; start a login and follow it."""

    @api_method
    async def get(self) -> None:
        """``?instance=…`` asks the server; ``?id=…`` is the state of a login that was started."""
        identity = self.get_query_argument("id", None)
        if identity is not None:
            self.reply(self.app.login_jobs.get(identity).as_json())
            return
        instance = self.get_query_argument("instance", None)
        self.reply(await self.from_rucio(instance, browse.login, instance))

    @api_method
    async def post(self) -> None:
        """``{"instance", "username", "password", "renew", "way", "paste_code"}``, or ``{"id", "code"}``."""
        body = self.body()
        if "id" not in body:
            self.reply(self.app.login_jobs.start(body).as_json(), 202)
            return
        job = self.app.login_jobs.get(body["id"])
        job.answer(body["code"])
        self.reply(job.as_json(), 202)

    @api_method
    async def delete(self) -> None:
        """``{"id"}``: stop waiting for the user."""
        job = self.app.login_jobs.get(self.body()["id"])
        job.stop()
        self.reply({"cancelled": not job.ended})


class LogoutHandler(NbrucioHandler):
    """Remove a saved token."""

    @api_method
    async def post(self) -> None:
        """``{"instance"}``"""
        self.reply(await self.in_thread(_logout, self.body().get("instance")))


class WhoamiHandler(NbrucioHandler):
    """The user at each instance."""

    @api_method
    async def get(self) -> None:
        """``?instance=…`` for one instance; all of them without."""
        instance = self.get_query_argument("instance", None)
        self.reply(await self.from_rucio(f"whoami {instance}", _whoami, instance))


def _logout(instance: str | None) -> dict[str, object]:
    config = load()
    return log_out(config.instance(instance), config).as_json()


def _whoami(instance: str | None) -> dict[str, object]:
    config = load()
    rows = logins(config) if instance is None else [who_am_i(config.instance(instance), config)]
    return {**envelope(errors_in(rows)), "instances": [row.as_json() for row in rows]}


ROUTES: dict[str, type[NbrucioHandler]] = {"login": LoginHandler, "logout": LogoutHandler, "whoami": WhoamiHandler}

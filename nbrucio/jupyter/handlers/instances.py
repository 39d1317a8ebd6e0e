"""REST for the configured instances: list them, test a new one, add it."""

from __future__ import annotations

from nbrucio.jupyter import queries
from nbrucio.jupyter.handlers.base import NbrucioHandler, api_method


class InstancesHandler(NbrucioHandler):
    """The configured instances."""

    @api_method
    async def get(self) -> None:
        """No arguments."""
        self.reply(await self.in_thread(queries.instances))

    @api_method
    async def post(self) -> None:
        """``{"name", "settings", "default"}``: add an instance to the user's configuration file."""
        self.reply(await self.in_thread(queries.add_instance, self.body()), 201)


class ConnectionTestHandler(NbrucioHandler):
    """Whether a server answers and a login works, before they are configured."""

    @api_method
    async def post(self) -> None:
        """``{"name", "settings"}``"""
        body = self.body()
        self.reply(await self.from_rucio(body.get("name"), queries.test_instance, body))


ROUTES: dict[str, type[NbrucioHandler]] = {"instances": InstancesHandler, "instances/test": ConnectionTestHandler}

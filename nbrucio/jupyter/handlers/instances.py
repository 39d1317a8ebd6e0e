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


class ImportHandler(NbrucioHandler):
    """The settings of other programs."""

    @api_method
    async def post(self) -> None:
        """``{}``: add the instances that other programs are configured for."""
        self.reply(await self.in_thread(queries.import_instances), 201)


class SandboxHandler(NbrucioHandler):
    """A real Rucio server with data on this machine."""

    @api_method
    async def post(self) -> None:
        """``{}``: start the user's sandbox and add it as an instance."""
        self.reply(await self.from_rucio("sandbox", queries.add_sandbox), 201)


ROUTES: dict[str, type[NbrucioHandler]] = {
    "instances": InstancesHandler,
    "instances/test": ConnectionTestHandler,
    "instances/import": ImportHandler,
    "instances/sandbox": SandboxHandler,
}

"""Logins by Kerberos: rucio-clients logs in, in the child, and gives its token back. Any other login works, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nbrucio.catalogue.child.config import isolated, order_of
from nbrucio.catalogue.errors import rejected
from nbrucio.catalogue.login_tokens import Issued, expiry
from nbrucio.catalogue.network_errors import SILENT, out_of_reach
from nbrucio.config import Config, Instance
from nbrucio.core.cancellation import given_up
from nbrucio.disk.child import running, serve
from nbrucio.errors import Interrupted, NbrucioError, error_of
from nbrucio.http import Timeouts

#: Seconds to start Python and to load rucio-clients, on a slow and busy machine.
_START_S = 60.0


def log_in_with_clients(
    instance: Instance, environ: Mapping[str, str], timeouts: Timeouts, config: Config | None
) -> Issued:
    """Return the token of a login by rucio-clients.

    Raises:
        NbrucioError: the login failed.
    """
    # Some logins take two requests.
    limit_s = _START_S + 2 * (timeouts.connect_s + timeouts.read_s)
    order = {"instance": order_of(instance), "timeouts": list(timeouts)}
    cancel = given_up()
    with (
        isolated(instance, environ, config, token=None) as environment,
        running(__name__, environment, order, cancel, limit_s) as events,
    ):
        for event in events:
            if event["event"] == "failed":
                raise error_of(event["error"])
            if event["event"] == "issued":
                return Issued(event["token"], event["expires_at"])
            if event["event"] == "end":
                break
        else:
            if cancel is not None and cancel.is_set():
                raise Interrupted(f"The request to {instance.name} was cancelled.", subject=instance.name)
            raise out_of_reach(instance, SILENT)
    raise rejected(instance, "rucio-clients gives no token")


def main() -> None:
    """Be the child."""
    serve(_carry_out)


def _carry_out(order: dict[str, Any], say: Callable[..., None]) -> None:
    from nbrucio.catalogue.child.clients_errors import login_errors, require_clients

    instance = Instance(**order["instance"])
    try:
        require_clients()
        with login_errors(instance):
            say("issued", **_token(tuple(order["timeouts"]))._asdict())
    except NbrucioError as error:
        say("failed", error=error.as_json())


def _token(timeout_s: tuple[float, float]) -> Issued:
    from rucio.client.baseclient import BaseClient

    headers: Mapping[str, str] = {}

    class LoginClient(BaseClient):  # type: ignore[misc]  # rucio ships no types
        """A client that shows the headers of its login, and follows no redirect with a credential."""

        def _send_request(self, *arguments: object, **options: object) -> Any:  # noqa: ANN401
            nonlocal headers
            self.session.max_redirects = 0
            answer = super()._send_request(*arguments, **options)
            if "X-Rucio-Auth-Token" in answer.headers:
                headers = answer.headers
            return answer

    client = LoginClient(timeout=timeout_s, user_agent="nbrucio rucio-clients")
    return Issued(str(client.auth_token), expiry(headers))

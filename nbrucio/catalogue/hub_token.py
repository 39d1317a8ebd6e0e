"""The token for Rucio that JupyterHub has in the user's ``auth_state``, from the hub's API.

Off unless ``hub_token`` is configured. The hub renews its tokens itself, and a session may ask for them if its role has
the scope ``admin:auth_state!user``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote

from nbrucio.catalogue.bearer import claims, wanted_audience
from nbrucio.catalogue.errors import rejected
from nbrucio.catalogue.login_errors import require_https
from nbrucio.catalogue.token_cache import TOKEN
from nbrucio.config import Instance
from nbrucio.disk.read import parse_json
from nbrucio.errors import CredentialsRejected
from nbrucio.http import Client, HttpError, Request, Timeouts

_URL, _API_TOKEN, _USER = "JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_USER"
#: An auth_state has several tokens of some kB each.
_MAX_BYTES = 1 << 20
_ASK = "Ask the operators of this hub; docs/sessions.md says what it needs."


def token_of_hub(instance: Instance, environ: Mapping[str, str], timeouts: Timeouts) -> str:
    """Return the token at ``hub_token`` of the user's ``auth_state``.

    Raises:
        CredentialsRejected: this is not a session of a hub, the hub does not give it, or it cannot be used.
    """
    path = instance.credentials.hub_token
    assert path is not None
    if not all(environ.get(name) for name in (_URL, _API_TOKEN, _USER)):
        words = f"hub_token is set, and this is not a session of JupyterHub ({_API_TOKEN} is not set)"
        raise rejected(instance, words, "Log in from a session of the hub, or configure another login.")
    require_https(instance)
    found = _at(_auth_state(instance, environ, timeouts), path)
    if not isinstance(found, str) or not TOKEN.match(found) or " " in found:
        raise rejected(instance, f"the hub's auth_state has no token at {path}", _ASK)
    said = claims(found)
    fault = said.fault()
    if fault is not None:
        raise rejected(instance, f"the hub's token at {path} {fault}", "Log in to the hub again.")
    if not said.fit(instance):
        named = ", ".join(sorted(said.audiences))
        words = f"the hub's token at {path} is for the audience {named}, not {wanted_audience(instance)}"
        raise rejected(instance, words, _ASK)
    return found


def _auth_state(instance: Instance, environ: Mapping[str, str], timeouts: Timeouts) -> object:
    request = Request("GET", f"/users/{quote(environ[_USER], safe='')}")
    headers = {"Authorization": f"token {environ[_API_TOKEN]}", "Accept": "application/json"}
    try:
        with closing(Client(environ[_URL].rstrip("/"), timeouts=timeouts)) as client:
            answer = client.ask(request, headers)
            if answer.status != 200:
                answer.close()
                raise _refused(instance, answer.status)
            value: Any = parse_json(answer.content(_MAX_BYTES))
    except HttpError as error:
        raise rejected(instance, f"the hub's API does not answer: {error}", "Try again later.") from error
    except ValueError as error:
        raise rejected(instance, "the hub's answer is not JSON", _ASK) from error
    state = value.get("auth_state") if isinstance(value, dict) else None
    if not state:
        words = "the hub gives this session no auth_state"
        raise rejected(instance, words, f"Log in to the hub again. If that does not help: {_ASK}")
    return state


def _refused(instance: Instance, status: int) -> CredentialsRejected:
    return rejected(instance, f"the hub's API refuses this session its user (HTTP status {status})", _ASK)


def _at(value: object, path: str) -> object:
    """Return the value at a dotted path."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value

"""An OIDC login in the browser by Rucio's REST API: a URL for the user and, after the login there, a token.

Rucio's clients do the same (``BaseClient.__get_token_oidc``), on the terminal only.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from nbrucio.catalogue.errors import rejected, tidy
from nbrucio.catalogue.login_errors import require_https
from nbrucio.catalogue.login_requests import asked
from nbrucio.catalogue.network_errors import http_error, not_rucio
from nbrucio.catalogue.token_cache import TOKEN
from nbrucio.config import Instance, Policy
from nbrucio.core.cancellation import given_up
from nbrucio.core.jitter import jittered
from nbrucio.errors import Interrupted
from nbrucio.http import BrokenOff, GivenUp, HttpError, NotConnected, Silent, Timeouts

#: Rucio forgets a login that is not completed in this time (``get_auth_oidc`` in rucio/core/oidc.py).
LIFETIME_S = 300.0
#: The interval of rucio-clients.
POLL_S = 2.0
_SHOWN = re.compile(r"https://[\x21-\x7e]{1,2000}\Z")
_CODE = re.compile(r"[A-Za-z0-9_.~-]{1,200}\Z")


class BrowserLogin:
    """One login, begun at the server by the constructor.

    Attributes:
        url: the page on which the user logs in.
        paste_code: whether that page shows a code for `redeem`; otherwise `wait` returns after the login there.
        expires_at: end of the time for it, in seconds since the epoch.

    Raises:
        CredentialsRejected: the server offers no such login, or the instance is not asked over TLS.
        NbrucioError: the server cannot be reached.
    """

    def __init__(self, instance: Instance, policy: Policy, *, paste_code: bool) -> None:
        self.paste_code = paste_code
        self.expires_at = time.time() + LIFETIME_S
        self._instance = instance
        self._timeouts = Timeouts(policy.connect_timeout_s, policy.read_timeout_s)
        self.url = self._begun()

    def wait(self, stopped: threading.Event | None = None) -> str:
        """Return the token once the user has logged in.

        Raises:
            CredentialsRejected: the time for it is over.
            Interrupted: ``stopped``, or the event of `nbrucio.core.cancellation`, was set.
        """
        stopped = stopped or given_up() or threading.Event()
        while time.time() < self.expires_at:
            token = self.redeem(urlsplit(self.url).query)
            if token is not None:
                return token
            if stopped.wait(jittered(POLL_S)):
                raise Interrupted(f"The login to {self._instance.name} was cancelled.", subject=self._instance.name)
        raise rejected(self._instance, f"nobody logged in at the page within {LIFETIME_S / 60:.0f} minutes")

    def redeem(self, code: str) -> str | None:
        """Return the token for ``code``; None when the server has none for it yet, or does not know it.

        Raises:
            NbrucioError: the server's certificate cannot be verified.
        """
        if not _CODE.match(code):
            return None
        try:
            answer = self._ask(f"/auth/oidc_redirect?{quote(code)}", {"X-Rucio-Client-Fetch-Token": "True"})
        except (BrokenOff, NotConnected, Silent):
            return None  # the next attempt may succeed
        except HttpError as error:
            raise http_error(error, self._instance) from error
        token = answer.get("X-Rucio-Auth-Token")
        return token if token and TOKEN.match(token) else None

    def _begun(self) -> str:
        require_https(self._instance)
        try:
            answer = self._ask("/auth/oidc", self._wishes())
        except HttpError as error:
            raise http_error(error, self._instance) from error
        url = answer.get("X-Rucio-OIDC-Auth-URL")
        if url is None:
            words = tidy(answer.get("ExceptionMessage", ""))
            if not words or "Traceback" in words or "NoneType" in words:  # Rucio sends its own stack
                words = "the server offers no login in the browser for these settings"
            raise rejected(self._instance, words, "Check account, oidc_issuer, oidc_audience and oidc_scope.")
        if not _SHOWN.match(url) or not _CODE.match(urlsplit(url).query):
            raise not_rucio(self._instance)
        return url

    def _wishes(self) -> dict[str, str]:
        oidc = self._instance.credentials.oidc
        wishes = {
            "Polling": str(not self.paste_code),
            "Scope": oidc.get("scope", "openid profile"),
            "Audience": oidc.get("audience"),
            "Issuer": oidc.get("issuer"),
            "Refresh-Lifetime": oidc.get("refresh_lifetime"),
        }
        return {f"X-Rucio-Client-Authorize-{name}": value for name, value in wishes.items() if value}

    def _ask(self, path: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers of the answer, whatever its status; Rucio puts everything there.

        The host of Rucio's URL is not asked: it is the server's word, and the authentication server knows the code.
        """
        try:
            with asked(self._instance, path, headers, self._timeouts) as answer:
                answer.close()
                return answer.headers
        except GivenUp as error:
            raise Interrupted(
                f"The login to {self._instance.name} was cancelled.", subject=self._instance.name
            ) from error

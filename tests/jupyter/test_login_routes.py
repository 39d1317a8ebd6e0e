"""Logins by REST: started, followed, cancelled; a wrong password is never logged in, and no password is shown."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from nbrucio.catalogue import browser_login
from nbrucio.errors import UsageError
from nbrucio.jupyter.login_jobs import LoginJob, LoginJobs
from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import Server
from tests.support.scripted_server import LOGIN, ScriptedServer, answer

SECRET = "a-very-secret-word"
PAGE = "https://rucio.example.org/auth/oidc_redirect?abc"
STARTED = answer("", X_Rucio_OIDC_Auth_URL=PAGE)
NOT_YET = answer("", "401 Unauthorized")
ME = answer("", "303 SEE OTHER", Location="/accounts/jdoe")
#: A token for a login, and the account for a token.
BOTH = answer("", "303 SEE OTHER", Location="/accounts/jdoe", X_Rucio_Auth_Token="a-fresh-token")


def _followed(server: Server, body: dict[str, object]) -> Any:
    """Start a login and ask for its state until its end."""
    status, job = server.ask("nbrucio/login", body)
    assert status == 202
    end = time.monotonic() + 60
    while job["state"] not in ("done", "failed") and time.monotonic() < end:
        time.sleep(0.05)
        job = server.ask(f"nbrucio/login?id={job['id']}")[1]
    return job


def test_a_password_is_tried_and_shown_nowhere(server: Server, sandbox: Sandbox) -> None:
    for password in (SECRET, f"{SECRET}€", f"{SECRET}\nX-Rucio-Account: root"):
        job = _followed(server, {"instance": "sandbox", "password": password})
        assert (job["state"], job["login"], job["error"]["code"]) == ("failed", None, "credentials")
        assert SECRET not in json.dumps(job)
    for verb in ("login", "whoami"):  # the login of the configuration still works
        assert server.ask(f"nbrucio/{verb}?instance=sandbox")[0] == 200
    good = json.loads((sandbox.root / "state.json").read_text())["user_password"]
    job = _followed(server, {"instance": "sandbox", "username": "sandbox", "password": good})
    assert (job["state"], job["login"]["account"], job["error"]) == ("done", "sandbox", None)
    assert SECRET not in server.log.read_text()
    assert good not in server.log.read_text()


def test_who_the_user_is_at_each_instance(server: Server) -> None:
    for query in ("", "?instance=sandbox"):
        status, told = server.ask(f"nbrucio/whoami{query}")
        assert status == 200
        (row,) = told["instances"]
        assert (row["state"], row["account"], row["by"]["kind"]) == ("active", "sandbox", "password")


def test_a_logout_removes_the_token(server: Server) -> None:
    _followed(server, {})
    assert server.ask("nbrucio/logout", {"instance": "sandbox"})[1]["removed"] is True
    status, done = server.ask("nbrucio/logout", {})
    assert (status, done["removed"]) == (200, False)
    assert "password of sandbox" in done["remains"]


@pytest.mark.parametrize(
    "body",
    [
        {"instance": 3},
        {"instance": "nowhere"},
        {"password": 5},
        {"way": "carrier-pigeon"},
        {"id": "unknown", "code": "x"},
        {"id": 4},
        {"way": "browser", "password": ["x"]},
    ],
)
def test_a_wrong_request_starts_no_login(server: Server, body: dict[str, object]) -> None:
    status, told = server.ask("nbrucio/login", body)
    assert (status, told["error"]["exit_code"]) == (400, 2)


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A server with a login in the browser, which is the only instance of this process."""
    monkeypatch.setattr(browser_login, "POLL_S", 0.01)
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with ScriptedServer(tls=context) as server:
        (tmp_path / "c.toml").write_text(
            f'[instances.cern]\nhost = "{server.url}"\nauth_type = "oidc"\nca_cert = "ca.pem"\n'
        )
        folders = {"HOME": tmp_path, "XDG_RUNTIME_DIR": tmp_path, "NBRUCIO_CONFIG": tmp_path / "c.toml"}
        for name, path in folders.items():
            monkeypatch.setenv(name, str(path))
        for name in ("RUCIO_CONFIG", "RUCIO_HOME", "NBRUCIO_INSTANCE", "BEARER_TOKEN", "BEARER_TOKEN_FILE"):
            monkeypatch.delenv(name, raising=False)
        yield server


def _reach(job: LoginJob, *states: str) -> dict[str, Any]:
    end = time.monotonic() + 30
    while job.state not in states and time.monotonic() < end:
        time.sleep(0.01)
    assert job.state in states, job.as_json()
    return job.as_json()


@pytest.fixture
def jobs() -> Iterator[LoginJobs]:
    """The logins of a server."""
    found = LoginJobs(logging.getLogger("test"))
    yield found
    found.close()
    for thread in threading.enumerate():
        if thread.name == "nbrucio-login":
            thread.join(10)


def test_a_login_in_the_browser_shows_its_page_and_ends_by_itself(provider: ScriptedServer, jobs: LoginJobs) -> None:
    provider.answers = [STARTED]  # to each question: it has no token
    job = jobs.start({})
    page = _reach(job, "waiting")["page"]
    assert (page["url"], page["paste_code"]) == (PAGE, False)
    provider.answers[:] = [BOTH]
    assert _reach(job, "done", "failed")["login"]["account"] == "jdoe"
    assert jobs.get(job.id) is job


def test_the_code_of_a_page_is_given_by_id(provider: ScriptedServer, jobs: LoginJobs) -> None:
    provider.answers = [STARTED, NOT_YET, LOGIN, ME]
    job = jobs.start({"paste_code": True})
    assert _reach(job, "waiting")["page"]["paste_code"]
    job.answer("wrong")
    job.answer("right")
    assert _reach(job, "done", "failed")["state"] == "done"


def test_a_cancelled_or_replaced_login_ends(provider: ScriptedServer, jobs: LoginJobs) -> None:
    provider.answers = [STARTED]
    first, pasted = jobs.start({}), jobs.start({"paste_code": True})
    assert _reach(first, "failed")["error"]["code"] == "interrupted"
    _reach(pasted, "waiting")
    pasted.stop()
    assert _reach(pasted, "failed")["error"]["code"] == "interrupted"


def test_a_login_that_is_gone_is_named(jobs: LoginJobs) -> None:
    for identity in ("unknown", None, 3, ["x"]):
        with pytest.raises(UsageError, match="no login with this id"):
            jobs.get(identity)


@pytest.mark.parametrize("voms", ["-out /etc/passwd", "--help", "cms;ls", "cms x", "cms\n-x", "x" * 300])
def test_a_page_chooses_the_virtual_organisation_and_no_other_option(
    voms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[instances.cms]\nhost = "https://rucio.example.org"\nauth_type = "x509_proxy"\n')
    monkeypatch.setenv("NBRUCIO_CONFIG", str(file))
    with pytest.raises(UsageError, match="'voms' must be a virtual organisation"):
        LoginJobs(logging.getLogger(__name__)).start({"instance": "cms", "voms": voms})

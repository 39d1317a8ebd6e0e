"""What a server shows to operators: counters at /metrics, and a log without secrets."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping

from nbrucio.config import load
from nbrucio.sandbox import Sandbox
from tests.support.jupyter_server import TOKEN, Server, declaring


def _counters(server: Server) -> Mapping[str, float]:
    request = urllib.request.Request(f"{server.url}metrics", headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read().decode()
    assert "http_request_duration_seconds" in text  # Jupyter's own are there too
    return {name: float(value) for name, value in re.findall(r"^(nbrucio_\S+_total\S*) (\S+)$", text, re.MULTILINE)}


def _growth(server: Server, before: Mapping[str, float]) -> dict[str, float]:
    after = _counters(server)
    return {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}


def test_syncs_are_counted_at_metrics(server: Server) -> None:
    before = _counters(server)
    (server.root / "private-name.ipynb").write_text(json.dumps(declaring(growing="sandbox:growing")))
    size = server.sync("private-name.ipynb")["bytes_done"]
    assert size > 100_000
    assert _growth(server, before) == {
        'nbrucio_syncs_total{state="complete"}': 1,
        "nbrucio_downloaded_bytes_total": size,
    }

    before = _counters(server)
    declared = declaring(gone="sandbox:no-such-dataset", growing="sandbox:growing")
    (server.root / "b.ipynb").write_text(json.dumps(declared))
    server.sync("b.ipynb")
    (server.root / "c.ipynb").write_text(json.dumps(declared)[:-9])
    server.sync("c.ipynb")
    assert _growth(server, before) == {
        'nbrucio_syncs_total{state="incomplete"}': 2,
        'nbrucio_failures_total{code="did-not-found"}': 1,
        'nbrucio_failures_total{code="bad-notebook"}': 1,
    }
    assert "private-name" not in str(_counters(server))
    assert "sandbox" not in str(_counters(server))


def test_the_log_has_no_secrets(server: Server, sandbox: Sandbox) -> None:
    (server.root / "a.ipynb").write_text(json.dumps(declaring(growing="sandbox:growing", gone="sandbox:gone")))
    server.sync("a.ipynb")
    server.ask("nbrucio/instances")
    log = server.log.read_text()
    tokens = [path.read_text().split("\n")[0] for path in server.folder.rglob("tokens/token-*")]
    assert tokens
    password = load(sandbox.env()).instance().credentials.password
    assert not [secret for secret in (TOKEN, password, *tokens) if secret and secret in log]

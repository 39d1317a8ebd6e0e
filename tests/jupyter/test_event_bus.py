"""How far a sync is, as browsers hear it on Jupyter's event bus."""

from __future__ import annotations

import json
from typing import Any

from websocket import create_connection

from nbrucio.jupyter.extension import EVENT_ID
from tests.jupyter.test_open_policy import DIMUON, put
from tests.support.jupyter_server import TOKEN, Server, declaring


def test_progress_of_a_sync_comes_on_the_event_bus(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon=DIMUON))
    socket = create_connection(f"{server.url.replace('http', 'ws', 1)}api/events/subscribe?token={TOKEN}", timeout=60)
    try:
        server.ask("nbrucio/sync", {"path": server.prefix + "a.ipynb"})
        events: list[dict[str, Any]] = []
        while not events or events[-1]["state"] == "syncing":
            event = json.loads(socket.recv())
            if event["schema_id"] == EVENT_ID and event["path"] == server.prefix + "a.ipynb":
                events.append(event)
    finally:
        socket.close()
    assert events[0]["state"] == "syncing"
    assert (events[-1]["state"], events[-1]["requirements"]) == ("done", {"dimuon": "ready"})
    totals = [event["bytes_total"] for event in events if event.get("bytes_total")]
    done = [event["bytes_done"] for event in events if event.get("bytes_total")]
    assert done == sorted(done)
    assert done[-1] == totals[-1]

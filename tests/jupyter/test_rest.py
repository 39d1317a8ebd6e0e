"""The REST interface: who may use it, what it answers, and that it never blocks."""

from __future__ import annotations

import json
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

import nbrucio.jupyter.extension
from tests.jupyter.conftest import Start
from tests.jupyter.test_open_policy import put
from tests.support.jupyter_server import TOKEN, Server, declaring, notebook
from tests.support.strict_schema import openapi

OPENAPI = openapi()
REQUIRED = ("path", "id", "did", "settings", "source", "paths")
VERBS = [(path, verb) for path, verbs in OPENAPI["paths"].items() for verb in verbs]


def test_every_route_is_described_and_every_description_has_a_route() -> None:
    implemented = {
        (f"/{name}", verb)
        for name, handler in nbrucio.jupyter.extension.ROUTES.items()
        for verb in ("get", "post", "put", "patch", "delete")
        if verb in vars(handler)
    }
    assert implemented == set(VERBS)


def test_nobody_gets_in_without_a_token(server: Server) -> None:
    for path, verb in VERBS:
        body = {} if verb != "get" else None
        status, _ = server.ask("nbrucio" + path, body, verb.upper(), token="")
        assert status == 403, (path, verb)


def test_a_page_of_somebody_else_cannot_use_the_users_cookie(server: Server) -> None:
    jar = CookieJar()
    browser = build_opener(HTTPCookieProcessor(jar))
    browser.open(f"{server.url}login?token={TOKEN}").close()
    cookies = {cookie.name: cookie.value or "" for cookie in jar}
    request = Request(f"{server.url}nbrucio/cancel", b'{"path": "no.ipynb"}', {"Content-Type": "application/json"})
    with pytest.raises(HTTPError) as refused:
        browser.open(request)
    refused.value.close()
    assert refused.value.code == 403
    request.add_header("X-XSRFToken", cookies["_xsrf"])
    with pytest.raises(HTTPError) as answered:
        browser.open(request)
    with answered.value as answer:
        assert (answer.code, json.loads(answer.read())["error"]["code"]) == (400, "bad-notebook")


AUTHORIZER = """
from jupyter_server.auth import Authorizer

class ReadOnly(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource != "nbrucio" or action == "read"

c.ServerApp.authorizer_class = ReadOnly
"""


def test_who_may_only_read_cannot_change_anything(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "jupyter_server_config.py"
    config.write_text(AUTHORIZER)
    with start(f"--config={config}") as server:
        assert server.ask("nbrucio/instances")[0] == 200
        for path, verb in VERBS:
            if verb != "get":
                assert server.ask("nbrucio" + path, {}, verb.upper())[0] == 403


def test_instances_and_store_are_told_without_secrets(server: Server) -> None:
    status, told = server.ask("nbrucio/instances")
    assert status == 200
    assert [instance["default"] for instance in told["instances"]] == [True]
    assert "password" not in json.dumps(told)
    status, store = server.ask("nbrucio/store")
    assert store["path"] == str(server.folder / "store")
    assert store["free_bytes"] > 0


def test_plan_tells_files_and_bytes(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon="sandbox:dimuon"))
    status, plan = server.ask(f"nbrucio/plan?path={server.api('a.ipynb')}")
    assert (status, plan["refusal"]) == (200, None)
    assert sum(way["files"] for way in plan["access"].values()) == 4
    assert server.state("a.ipynb") is None  # a plan starts nothing


@pytest.mark.parametrize("value", [[], {"version": 99}, {"version": 1, "requirements": 3}])
def test_the_plan_of_a_declaration_that_cannot_be_read_is_the_reason(server: Server, value: object) -> None:
    put(server, "bad.ipynb", notebook(metadata={"nbrucio": value}))
    status, answer = server.ask(f"nbrucio/plan?path={server.api('bad.ipynb')}")
    assert (status, answer["error"]["code"]) == (400, "bad-declaration")


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ("status", 400, "usage"),
        ("status?path=no.ipynb", 400, "bad-notebook"),
        ("find?pattern=nocolon", 400, "usage"),
        ("find?pattern=sandbox:*&kind=planet", 400, "usage"),
        ("find?pattern=sandbox:*&instance=nowhere", 400, "unknown-instance"),
        ("details?did=sandbox:no-such-thing", 404, "did-not-found"),
        ("details?did=%00", 400, "bad-did"),
    ],
)
def test_a_wrong_request_is_answered_with_the_reason(server: Server, request_: str, status: int, code: str) -> None:
    answer = server.ask(f"nbrucio/{request_}")
    assert (answer[0], answer[1]["error"]["code"]) == (status, code)
    assert answer[1]["error"]["message"].endswith(".")


def test_every_body_that_does_not_fit_its_schema_is_refused_in_words(server: Server) -> None:
    described = [(path, verb) for path, verb in VERBS if "requestBody" in OPENAPI["paths"][path][verb]]
    assert len(described) > 15
    for path, verb in described:
        for body, messages in (
            ([], {"body must be an object."}),
            ({"zzz": 1}, {"body.zzz is not a known key.", *(f"body lacks the key '{key}'." for key in REQUIRED)}),
        ):
            status, answer = server.ask("nbrucio" + path, body, verb.upper())
            assert (status, answer["error"]["code"]) == (400, "usage")
            assert answer["error"]["message"] in messages, (path, verb)


@pytest.mark.parametrize(
    ("route", "body", "message", "hint"),
    [
        ("sync", {}, "body lacks the key 'path'.", None),
        ("sync", {"path": 3}, "body.path must be a string.", None),
        ("sync", {"path": "a.ipynb", "opne": True}, "body.opne is not a known key.", "Did you mean 'open'?"),
        ("sync", {"path": "a.ipynb", "open": 1}, "body.open must be true or false.", None),
        ("lock", {"path": "a.ipynb", "handles": ["a", 1]}, "body.handles[1] must be a string.", None),
        ("grants", {"did": "a:b", "max_bytes": -1}, "body.max_bytes must be at least 0.", None),
        ("opening", {"level": "fetsh"}, "body.level must be one of off, read, look, fetch.", "Did you mean 'fetch'?"),
        ("question", {"path": "a", "id": "b", "answer": "yes"}, "body.answer must be one of shown, declined.", None),
        ("login", {"id": "a"}, "body must be a login to start, or 'id' with 'code'.", None),
        ("login", {"password": 5}, "body.password must be a string.", None),
        ("drop", {"source": "", "offset": "1", "did": "a:b"}, "body.offset must be a whole number.", None),
        ("uploads", {"paths": [], "rse": "A", "scope": "b"}, "body.paths must not be empty.", None),
        ("instances", {"settings": []}, "body.settings must be an object.", None),
    ],
)
def test_the_error_names_the_place_in_the_body(
    server: Server, route: str, body: object, message: str, hint: str | None
) -> None:
    status, answer = server.ask(f"nbrucio/{route}", body)
    assert (status, answer["error"]["message"], answer["error"]["hint"]) == (400, message, hint)


def test_every_route_refuses_a_query_that_it_does_not_know(server: Server) -> None:
    for path, verb in VERBS:
        status, answer = server.ask(f"nbrucio{path}?zzz=1", None if verb == "get" else {}, verb.upper())
        assert (status, answer["error"]["code"]) == (400, "usage"), (path, verb)
        lacking = [f"query lacks the key '{key}'." for key in REQUIRED]
        assert answer["error"]["message"] in ("query.zzz is not a known key.", *lacking), (path, verb)


@pytest.mark.parametrize(
    ("request_", "message", "hint"),
    [
        ("plan", "query lacks the key 'path'.", None),
        ("status?path=a.ipynb&chekc=1", "query.chekc is not a known key.", "Did you mean 'check'?"),
        ("status?path=a.ipynb&check=true", "query.check must be one of 0, 1.", None),
        (
            "find?kind=datset",
            "query.kind must be one of all, collection, dataset, container, file.",
            "Did you mean 'dataset'?",
        ),
        ("details?did=a:b&did=c:d", "query.did must be a string.", None),
        ("instances?instance=sandbox", "query.instance is not a known key.", "No keys are known here."),
        ("store?1732881600000=1", "query['1732881600000'] is not a known key.", "The known keys here are usage."),
    ],
)
def test_the_error_names_the_place_in_the_query(server: Server, request_: str, message: str, hint: str | None) -> None:
    status, answer = server.ask(f"nbrucio/{request_}")
    assert (status, answer["error"]["message"], answer["error"]["hint"]) == (400, message, hint)


@pytest.mark.parametrize("added", ["1732881600000", "_=1732881600000", f"token={TOKEN}", "_xsrf=2%7Cx"])
def test_what_jupyter_and_its_front_ends_add_to_a_query_is_no_error(server: Server, added: str) -> None:
    assert server.ask(f"nbrucio/store?{added}")[0] == 200
    assert server.ask(f"nbrucio/store?usage=1&{added}")[1]["files"] == 0


def test_cancelling_what_does_not_run_is_no_error(server: Server) -> None:
    put(server, "a.ipynb", declaring(dimuon="sandbox:dimuon"))
    assert server.ask("nbrucio/cancel", {"path": server.prefix + "a.ipynb"}) == (200, {"cancelled": False})

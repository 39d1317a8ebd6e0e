"""Random notebooks and metadata, through everything that reads them.

With `except KeyError` only in `kernel.manifest.read`, a damaged manifest ends a cell with a JSONDecodeError.
"""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrucio.config import Config, Instance
from nbrucio.errors import NbrucioError
from nbrucio.jupyter.save_hook import update_metadata
from nbrucio.kernel.errors import DataNotHere
from nbrucio.kernel.lookup import Data
from nbrucio.operations.check import check
from nbrucio.operations.verify import verify
from nbrucio.pipeline.manifest_files import write
from nbrucio.pipeline.status import status
from tests.support import manifests
from tests.support.jupyter_server import Server
from tests.support.strategies import json_values, key_values, notebooks, texts
from tests.support.trust import Rounds

pytestmark = pytest.mark.trust("Z")

#: Of which an example is made.
_BYTES = 20_000
DECLARATION: dict[str, Any] = {
    "version": 1,
    "requirements": [
        {"did": "s:a", "handle": "a", "select": {"match": "*.root", "first": 2, "max_bytes": 10**9}},
        {"did": "s:b", "handle": "b", "access": "stream", "instance": "x.example", "bind": True},
        {"did": {"parameter": "which", "default": "s:c"}, "handle": "c"},
    ],
    "lock": {
        "a": {
            "type": "DATASET", "files": 1, "bytes": 3, "open": True, "digest": "sha256:" + "0" * 64,
            "locked": "2026-11-23T10:00:00Z", "did": "s:a", "list": ["s:f\t3\t00000001"],
        }
    },
    "variants": {"small": {"a": {"first": 1}}},
}  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, value: Any) -> Any:
    """``value`` with another value somewhere in it, or without something."""
    result = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        node: Any = result
        while isinstance(node, (dict, list)) and node:
            key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            inner = node[key]
            if not isinstance(inner, (dict, list)) or not inner or draw(st.booleans()):
                if draw(st.booleans()):
                    node[key] = draw(json_values | texts)
                else:
                    del node[key]
                break
            node = inner
    return result


def _examples(rounds: Rounds, strategy: st.SearchStrategy[Any], check_one: Any, quick: int) -> None:
    """Give the examples of a strategy to ``check_one``; each is a case.

    An example is made of the bytes of its case's number alone. With a seed, Hypothesis also takes constants of whatever
    modules are loaded, so that a case was another one when it was repeated.
    """

    def tries(seed: int, folder: Path) -> int:
        count = [0]

        @settings(deadline=None, database=None)
        @given(strategy)
        def run(value: Any) -> None:
            count[0] += 1
            check_one(value, folder)

        run.hypothesis.fuzz_one_input(random.Random(seed).randbytes(_BYTES))
        return count[0]  # an example that needs more bytes is none

    rounds.seeds(tries, quick)


def test_no_notebook_is_a_bug_for_commands_saves_and_kernels(rounds: Rounds) -> None:
    def holds(example: tuple[dict[str, Any], Any], folder: Path) -> None:
        document, value = example
        document["metadata"]["nbrucio"] = value
        path = folder / "nb.ipynb"
        path.write_text(json.dumps(document))
        _ends(status, [path], _config(folder))
        _ends(verify, [path], _config(folder))
        _ends(check, [path], _config(folder))
        model = json.loads(json.dumps(document))
        update_metadata(model, {})
        for both in (model, document):
            both["metadata"].pop("nbrucio", None)
        assert model == document, "a save changed more than our key"
        data = Data(path, {"NBRUCIO_RUNTIME_DIR": str(folder / "runtime")})
        with pytest.raises(DataNotHere):
            data["a"]

    _examples(rounds, st.tuples(notebooks(), damaged(DECLARATION) | key_values() | json_values), holds, quick=25)


def _ends(act: Any, paths: list[Path], config: Config) -> None:
    try:
        report = act(paths, config)
        errors = list(report.errors()) if hasattr(report, "errors") else []
    except NbrucioError as error:
        errors = [error]
    assert [error.message for error in errors if error.code == "internal"] == []


def _config(folder: Path) -> Config:
    instance = Instance("x", "x.example", "https://x.example", "https://x.example", "userpass")
    return Config((instance,), instance, folder / "store")


def test_no_manifest_gives_a_kernel_anything_but_paths_or_the_reason(rounds: Rounds) -> None:
    def holds(seed: int, folder: Path) -> None:
        environ = {"NBRUCIO_RUNTIME_DIR": str(folder / "runtime")}
        notebook = folder / "nb.ipynb"
        path = write(manifests.of(notebook, manifests.local_entry(folder, "a", "x.root", "y.root")), environ)
        chance, text = random.Random(seed), path.read_bytes()
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(text))
            new = chance.choice([b"", chance.randbytes(2), b"null", b"-1", b'"', b"}", b"[[", b"\xff", b"1e999"])
            text = text[:at] + new + text[at + chance.randint(0, 12) :]
        path.write_bytes(text)
        with suppress(DataNotHere):
            assert all(isinstance(each, str) for each in Data(notebook, environ)["a"])

    rounds.seeds(holds, quick=100)


@pytest.mark.world
def test_no_notebook_is_an_error_of_the_server(server: Server, rounds: Rounds) -> None:
    def holds(example: tuple[dict[str, Any], Any], _folder: Path) -> None:
        document, value = example
        document["metadata"]["nbrucio"] = value
        (server.root / "nb.ipynb").write_text(json.dumps(document))
        for question in ("status", "manifest"):
            code, answer = server.ask(f"nbrucio/{question}?path={server.api('nb.ipynb')}")
            assert code < 500, (code, answer)
        model = {"type": "notebook", "format": "json", "content": document}
        code, answer = server.ask(f"api/contents/{server.api('nb.ipynb')}", model, "PUT")
        assert code < 500, (code, answer)

    _examples(rounds, st.tuples(notebooks(), damaged(DECLARATION) | key_values() | json_values), holds, quick=25)

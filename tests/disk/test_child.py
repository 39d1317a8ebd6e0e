"""Processes of our own modules: their search path, their orders and events, and their end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from nbrucio.disk import child
from nbrucio.disk.child import child_command, running

ROOT = Path(child.__file__).parents[2]
ECHO = "tests.support.echo_child"


def _search_path(environ: Mapping[str, str], python: tuple[str, ...] = (sys.executable,)) -> list[str]:
    code = f"from nbrucio.disk.child import child_command; print(child_command({ECHO!r}, {dict(environ)!r}))"
    done = subprocess.run([*python, "-c", code], env=dict(environ), capture_output=True, text=True, check=True)
    command = eval(done.stdout)
    shown = command[-1].replace(f"from {ECHO} import main\nmain()", "import json; print(json.dumps(sys.path))")
    passed = {name: value for name, value in environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*command[:-1], shown], env=passed, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_folder_of_nbrucio_comes_first_and_pythonpath_after_site_packages(tmp_path: Path) -> None:
    before = os.pathsep.join((str(ROOT), str(tmp_path / "one"), "", str(tmp_path / "two")))
    path = _search_path({**os.environ, "PYTHONPATH": before})
    packages = next(place for place in path if place.endswith("site-packages"))
    wanted = [str(ROOT), packages, str(tmp_path / "one"), str(tmp_path / "two")]
    assert [place for place in dict.fromkeys(path) if place in wanted] == wanted  # an editable install adds one again
    assert path[0] == str(ROOT)
    assert "" not in path


def test_the_users_packages_come_last_where_this_python_uses_them(tmp_path: Path) -> None:
    base = Path(sys.base_prefix) / "bin" / "python3"
    user = subprocess.run(
        [base, "-c", "import site; print(site.getusersitepackages())"],
        env={**os.environ, "PYTHONUSERBASE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    Path(user).mkdir(parents=True)
    environ = {**os.environ, "PYTHONUSERBASE": str(tmp_path), "PYTHONPATH": os.pathsep.join((str(ROOT), "/before"))}
    path = _search_path(environ, (str(base),))
    assert path[-1] == user
    assert path.index("/before") < path.index(user)
    assert user not in _search_path(environ, (str(base), "-s"))


def test_a_child_starts_where_its_parent_ignores_the_home_of_another_python(tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONHOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    code = (
        f"import os, sys; sys.path.insert(0, {str(ROOT)!r}); from nbrucio.disk.child import running\n"
        f"with running({ECHO!r}, os.environ, {{'variable': 'PYTHONHOME'}}) as events: print(next(events)['text'])"
    )
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.stdout == f"{tmp_path}\n", done.stderr


def test_a_child_answers_an_order_and_prints_nothing_else() -> None:
    with running(ECHO, os.environ, {"say": ["one", "zwei ☃"]}) as events:
        assert list(events) == [{"event": "said", "text": "one"}, {"event": "said", "text": "zwei ☃"}, {"event": "end"}]


def test_a_child_finds_the_variable_that_it_was_not_started_with(tmp_path: Path) -> None:
    with running(ECHO, {**os.environ, "PYTHONPATH": str(tmp_path)}, {"variable": "PYTHONPATH"}) as events:
        assert next(events)["text"] == str(tmp_path)


def test_a_library_that_asks_the_user_gets_no_answer() -> None:
    with running(ECHO, os.environ, {"ask": True}) as events:
        assert next(events) == {"event": "said", "text": "EOFError"}


@pytest.mark.parametrize("how", ["cancelled", "late", "left"])
def test_a_child_that_hangs_is_ended(how: str) -> None:
    cancel = threading.Event()
    with running(ECHO, os.environ, {"hang": True}, cancel, 1 if how == "late" else None) as events:
        first = next(events, None)  # none where it takes more than the limit to start
        if how == "cancelled":
            cancel.set()
        if how != "left":
            assert list(events) == []
    if first is not None:
        with pytest.raises(ProcessLookupError):
            os.kill(first["pid"], 0)


def test_a_child_ends_with_its_parent() -> None:
    command = child_command(ECHO, {})
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as hanging:  # type: ignore[call-overload]
        hanging.stdin.write('{"hang": true}\n')
        hanging.stdin.flush()
        assert "pid" in hanging.stdout.readline()
        hanging.stdin.close()
        assert hanging.wait(30) == 1

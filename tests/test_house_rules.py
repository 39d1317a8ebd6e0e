"""The rules of the house that a program can check, so that `make test` is all that a change has to pass."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = [path for folder in ("nbrucio", "cli", "schemas") for path in (ROOT / folder).rglob("*.py")]
CODE += (path for path in (ROOT / "frontend/src").rglob("*.ts*") if path.name != "schema.ts")  # made by `make types`


@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=lambda words: " ".join(words)
)
def test_the_linters_have_nothing_to_say(command: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_file_is_a_room() -> None:
    # Normally under 300 lines; what grows past 400 has surely more than one job.
    lengths = {path.relative_to(ROOT): len(path.read_text("utf-8").splitlines()) for path in CODE}
    assert {str(path): lines for path, lines in lengths.items() if lines > 400} == {}


def test_each_suite_of_trust_says_what_was_taken_out_to_see_it_fail() -> None:
    texts = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    marked = {path: text for path, text in texts.items() if re.search(r'mark\.trust\("[A-Z]"\)', text)}
    docs = {path: ast.get_docstring(ast.parse(text)) or "" for path, text in marked.items()}
    assert len(docs) > 20
    assert [str(path) for path, doc in docs.items() if not re.search(r"\n\n(With|Without|What was taken) ", doc)] == []


def _floors(folder: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", str(ROOT / "pyproject.toml")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_imports_keep_to_the_floors() -> None:
    done = _floors(ROOT, ROOT, ROOT / "cli")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_import_is_found_even_within_a_function(tmp_path: Path) -> None:
    for source, name in ((ROOT / "nbrucio", "nbrucio"), (ROOT / "cli/nbrucio_cli", "nbrucio_cli")):
        shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("labextension", "__pycache__"))
    wrong = {
        "nbrucio/core/did.py": ["socket", "nbrucio.disk.atomic"],
        "nbrucio/store/layout.py": ["nbrucio.pipeline.run"],
        "nbrucio/pipeline/run.py": ["nbrucio.operations.edit"],
        "nbrucio/kernel/boot.py": ["nbrucio.core.did"],
        "nbrucio/jupyter/browsing.py": ["nbrucio.store.store"],
        "nbrucio/attic.py": [],
    }
    for name, modules in wrong.items():
        with (tmp_path / name).open("a") as file:
            file.writelines(f"def _wrong() -> None:\n    import {module}\n" for module in modules)
    done = _floors(tmp_path, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    for name, modules in wrong.items():
        importer = name.removesuffix(".py").replace("/", ".")
        found = [f"{importer} -> {module}" in done.stdout for module in modules]
        assert all(found), (name, done.stdout)
    assert "- nbrucio.attic\n" in done.stdout  # a room without a floor


def test_kernels_get_the_standard_library_only() -> None:
    allowed = sys.stdlib_module_names | {"IPython"}  # which is there wherever it is imported: in a kernel
    for path in (ROOT / "nbrucio/kernel").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            assert {name.partition(".")[0] for name in names} <= allowed, (path, names)


def test_the_documentation_has_the_figures_of_the_import_graph() -> None:
    printed = subprocess.run([sys.executable, ROOT / "tools/graph.py"], capture_output=True, text=True, check=True)
    figures = dict(line.split(": ", 1) for line in printed.stdout.splitlines())
    rows = re.findall(r"^\| ([^|]*) \| \d+ \| (\d+)", (ROOT / "docs/architecture.md").read_text("utf-8"), re.MULTILINE)
    now = dict(rows)
    assert figures["circles of files"] == "[]"
    assert (figures["floors"], figures["arrows between rooms"]) == (now["floors"], now["arrows between rooms"])
    assert figures["arrows that run back up"].count("(") == int(now["arrows that run back up"])


def test_a_file_name_has_one_meaning_within_a_room() -> None:
    found: dict[tuple[str, str], list[str]] = {}
    for path in (ROOT / "nbrucio").rglob("*.py"):
        room = path.relative_to(ROOT / "nbrucio").parts[0]
        if not path.name.startswith("__"):
            found.setdefault((room, path.name), []).append(str(path.relative_to(ROOT)))
    assert {key: paths for key, paths in found.items() if len(paths) > 1} == {}


def test_a_file_name_of_the_panel_has_one_meaning_and_a_test_the_name_of_its_file() -> None:
    files = [path for path in (ROOT / "frontend/src").rglob("*.ts*") if ".test." not in path.name]
    names = Counter(path.stem.lower() for path in files if path.stem != "index")
    assert [name for name, count in names.items() if count > 1] == []
    tested = {path.with_name(path.name.partition(".")[0]) for path in (ROOT / "frontend/src").rglob("*.test.ts")}
    assert tested - {path.with_suffix("") for path in files} == set()


def test_a_docstring_names_a_thing_or_an_act_and_asks_no_question() -> None:
    found = []
    for path in (path for path in CODE if path.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                text = ast.get_docstring(node) or ""
                if text.startswith(("What ", "Who ", "Why ", "How ", "Where ", "Which ")):
                    found.append(f"{path.relative_to(ROOT)}: {text.splitlines()[0]}")
    assert found == []


def test_a_class_name_has_one_meaning() -> None:
    found: dict[str, list[str]] = {}
    for path in (path for path in CODE if path.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name.strip("_"), []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_the_top_of_the_tree_has_only_the_scripts_of_the_build() -> None:
    assert {path.name for path in ROOT.glob("*.py")} == {"build_backend.py", "hatch_build.py"}

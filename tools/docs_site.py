"""Builds the site of the documentation in build/docs: ``make docs``.

The pages of docs/ are plain Markdown that reads well in the repository. This script copies them and the other pages in
docs/index.md, adds the reference pages that are made from the code, and runs Sphinx, whose warnings are errors.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import nbrucio_schemas
from nbrucio_cli.app import root
from sphinx.cmd.build import main as sphinx

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_CONF = """project = "nbrucio"
author = "The nbrucio developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = "nbrucio"
html_copy_source = False
myst_heading_anchors = 4
default_role = "literal"
napoleon_use_ivar = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
suppress_warnings = ["misc.highlighting_failure"]


def setup(app):
    from sphinx.highlighting import lexers
    from pygments.lexers.special import TextLexer

    lexers["mermaid"] = TextLexer()
"""


def shelves(index: str) -> dict[str, list[tuple[str, str]]]:
    """Return the title and the link of each page, by shelf, in the order of docs/index.md."""
    found: dict[str, list[tuple[str, str]]] = {}
    for shelf, text in re.findall(r"^## (.+)\n((?:(?!^## ).*\n)*)", index, re.MULTILINE):
        found[shelf] = [(title, link) for _, title, link in LINK.findall(text)]
    return found


def site_path(link: str) -> str:
    """Return where the page of a link in docs/index.md lies on the site."""
    if link.endswith("/"):
        return f"{link}index.md"
    return link.removeprefix("../").lower()


def assemble(source: Path) -> None:
    """Write the source of the site to the folder ``source``."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(DOCS / "images", source / "images")
    index = (DOCS / "index.md").read_text("utf-8")
    rows = shelves(index)
    pages = {(DOCS / link).resolve(): site_path(link) for shelf in rows.values() for _, link in shelf}
    del pages[(DOCS / "decisions").resolve()]
    decisions = sorted((DOCS / "decisions").glob("*.md"))
    pages |= {page: f"decisions/{page.name}" for page in decisions}
    pages |= {DOCS / "index.md": "index.md", DOCS / "decisions": "decisions/index.md"}
    made = {"cli.md": _cli(), "rest.md": _rest(), "python-api.md": _python()}
    rows["Reference"] += [("Help of all commands", "cli.md"), ("REST", "rest.md"), ("Python", "python-api.md")]
    for page, target in pages.items():
        if page.is_file():
            _write(source / target, _relinked(page.read_text("utf-8"), page, target, pages))
    for target, text in made.items():
        _write(source / target, text)
    _write(source / "decisions/index.md", "# Decisions\n\n" + _toctree("", [("", page.name) for page in decisions]))
    trees = "\n".join(_toctree(shelf, [(title, site_path(link)) for title, link in rows[shelf]]) for shelf in rows)
    home = _relinked(index, DOCS / "index.md", "index.md", pages)
    _write(source / "index.md", f"{home}\n{trees}")
    _write(source / "conf.py", _CONF)
    order = [site_path(link) for shelf in rows.values() for _, link in shelf]
    texts = (f"<!-- {name} -->\n{(source / name).read_text('utf-8').strip()}\n" for name in order)
    _write(source.parent / "llms-full.txt", "\n".join(texts))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _toctree(caption: str, entries: list[tuple[str, str]]) -> str:
    lines = [f"{title} <{path}>" if title else path for title, path in entries]
    head = [":hidden:", f":caption: {caption}"] if caption else [":maxdepth: 1"]
    return "\n".join(["```{toctree}", *head, "", *lines, "```", ""])


def _relinked(text: str, page: Path, target: str, pages: dict[Path, str]) -> str:
    """Return ``text`` with the links of the repository as links of the site; other files become plain words."""

    def link(match: re.Match[str]) -> str:
        mark, title, address = match.groups()
        path, hash_, anchor = address.partition("#")
        if "://" in address or not path:
            return match.group(0)
        there = (page.parent / path).resolve()
        if mark and there.is_relative_to(DOCS):
            return f"![{title}]({os.path.relpath(there.relative_to(DOCS), Path(target).parent)})"
        if there not in pages:
            return title
        return f"[{title}]({os.path.relpath(pages[there], Path(target).parent)}{hash_}{anchor})"

    blocks = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in blocks)


def _cli() -> str:
    """Return the page of all commands: their help, and a real output of each."""
    shown = _outputs()
    parts = ["# Help of all commands\n"]
    for words, command in _commands(root):
        context = click.Context(command, info_name=f"nbrucio {' '.join(words)}")
        parts.append(f"## nbrucio {' '.join(words)}\n\n```text\n{command.get_help(context)}\n```\n")
        sample = next((one for one in shown if one[0].split()[: len(words)] == list(words)), None)
        if sample:
            parts.append(f"```console\n$ nbrucio {sample[0]}\n{sample[1].rstrip()}\n```\n")
    return "\n".join(parts)


def _outputs() -> list[tuple[str, str]]:
    """Return commands with real outputs: those that the tests keep, then those of a page that the tests type."""
    kept = (ROOT / "tests/snapshots/cli-outputs.txt").read_text("utf-8")
    found: list[tuple[str, str]] = re.findall(r"^=== nbrucio (.+)\n((?:(?!^=== ).*\n)*)", kept, re.MULTILINE)
    page = (DOCS / "doctor.md").read_text("utf-8")
    return found + re.findall(r"^\$ nbrucio (.+)\n((?:(?!\$ |```).+\n)+)", page, re.MULTILINE)


def _commands(group: click.Group, *words: str) -> list[tuple[tuple[str, ...], click.Command]]:
    context, found = click.Context(group), []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*words, name), command))
        if isinstance(command, click.Group):
            found += _commands(command, *words, name)
    return found


def _rest() -> str:
    """Return the page of the server's REST interface."""
    api: dict[str, Any] = nbrucio_schemas.openapi()
    parts = ["# Which requests does the Jupyter server answer?\n", f"{api['info'].get('description', '')}\n"]
    for path, methods in api["paths"].items():
        for method, facts in methods.items():
            if method == "parameters":
                continue
            parts.append(f"## {method.upper()} /nbrucio{path}\n\n{facts['summary']}\n")
            rows = [_parameter(api, one) for one in (*methods.get("parameters", ()), *facts.get("parameters", ()))]
            body = _schema(facts.get("requestBody", {}))
            rows += [f"| `{name}` | body | {one.get('description', '')} |" for name, one in _properties(api, body)]
            if rows:
                parts.append("\n".join(["| name | in | meaning |", "|---|---|---|", *rows]) + "\n")
            answers = [(code, one) for code, one in facts["responses"].items() if "$ref" not in one]
            parts.append("\n".join(f"- {code}: {one['description']}" for code, one in answers) + "\n")
            rows = [
                f"| `{name}` | {one.get('description', '')} |"
                for _, answer in answers
                for name, one in _properties(api, _schema(answer))
            ]
            if rows:
                parts.append("\n".join(["| key of the answer | meaning |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _schema(message: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a request's body or of an answer; an empty one without it."""
    for content in message.get("content", {}).values():
        schema: dict[str, Any] = content["schema"]
        return schema
    return {}


def _properties(api: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the keys of an object that ``schema`` describes, also in parts."""
    if "$ref" in schema:
        yield from _properties(api, api["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        yield from _properties(api, part)
    yield from schema.get("properties", {}).items()


def _parameter(api: dict[str, Any], one: dict[str, Any]) -> str:
    if "$ref" in one:
        one = api["components"]["parameters"][one["$ref"].rpartition("/")[2]]
    return f"| `{one['name']}` | {one['in']} | {one.get('description', '')} |"


def _python() -> str:
    """Return the page of the functions for programs and their results."""
    results = {
        "nbrucio.core.report": ["SyncReport", "StatusReport", "NotebookReport", "RequirementReport", "FileReport"],
        "nbrucio.core.estimate": ["Estimate"],
        "nbrucio.operations.verify": ["Verified"],
        "nbrucio.operations.check": ["CheckReport", "NotebookCheck"],
        "nbrucio.operations.edit": ["Edit"],
        "nbrucio.operations.diff": ["DiffReport", "Change"],
        "nbrucio.operations.searching": ["SearchReport"],
        "nbrucio.operations.stage_report": ["StageReport"],
        "nbrucio.operations.upload.upload": ["UploadReport"],
        "nbrucio.pipeline.progress": ["Progress"],
    }
    classes = [f".. autoclass:: {module}.{name}\n   :members:\n" for module, names in results.items() for name in names]
    blocks = [
        ".. automodule:: nbrucio.api\n   :members:\n   :imported-members:\n   :exclude-members: Config, Progress\n"
    ]
    text = "\n".join([*blocks, *classes, ".. automodule:: nbrucio.errors\n   :members:\n"])
    return f"# Functions, results and errors for programs\n\n```{{eval-rst}}\n{text}```\n"


if __name__ == "__main__":
    build = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build"
    assemble(build / "docs-source")
    code = sphinx(["-q", "-W", "--keep-going", "-b", "html", str(build / "docs-source"), str(build / "docs")])
    shutil.copy(build / "llms-full.txt", build / "docs/llms-full.txt")
    sys.exit(code)

"""Runs the suites that count their cases, and writes docs/reliability.md: ``make trust``, ``make coverage``.

Every number in the page is one that a suite counted while it ran, see ``tests/support/trust.py``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
ROOMS = ("core", "store", "state", "transfer", "notebook")
#: Tests of these rooms, and of those that use them most.
MEASURED = ("core", "store", "state", "transfer", "notebook", "disk", "pipeline")
SUITES = {
    "K": "kill -9 of syncs that share a store, over file, https and root, and of every command that writes",
    "N": "a call on the user's files fails, of Python code or (by strace) of any code, in every command that writes",
    "C": "power loss after an operation on the disk; what was not flushed is lost, torn or zeros",
    "F": "disks that are full of bytes or files, also because another program fills them; a limit on file sizes",
    "P": "32 syncs at once, with locks that work, that are missing, and that everybody gets",
    "X": "a file of nbrucio is damaged",
    "H": "steps of declare, lock, sync, grow, evict, damage, restore and kill, in any order, against a model",
    "Z": "random notebooks and metadata, read, saved, asked of the server and of the kernel",
    "S": "storage and Rucio servers that lie, stall, redirect and break",
    "M": "the whole way from a new notebook to its data on a file system that refuses calls or answers oddly",
    "E": "the whole way from a sync to a program in an environment that lacks or forbids something",
    "W": "a simulated machine with its Rucio and storage, from one seed: faults within every step of a user",
}


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--suite", choices=SUITES, help="run only this suite, and replace only its row")
    parser.add_argument("--coverage", action="store_true", help="measure branch coverage instead")
    options = parser.parse_args()
    sys.exit(_coverage() if options.coverage else _trust(options.minutes, options.suite))


def _trust(minutes: float, suite: str | None) -> int:
    handle, log = tempfile.mkstemp(suffix=".jsonl")
    os.fchmod(handle, 0o666)  # some tests become another user
    os.close(handle)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "trust", "--numprocesses", "2", "--dist", "load"]
    began = datetime.datetime.now(datetime.timezone.utc)
    command += [f"--trust-minutes={minutes}", f"--trust-log={log}", "tests"]
    command += [f"--trust-suite={suite}"] if suite else []
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603
    if done.returncode > 1:  # interrupted, or not started
        return done.returncode
    tallies = [json.loads(line) for line in Path(log).read_text("utf-8").splitlines()]
    if suite:
        _replace_row(suite, tallies, f"{began:%Y-%m-%d}, `tools/trust.py --suite {suite} --minutes {minutes:g}`")
    else:
        _replace("trust", _table(tallies, began, minutes))
    return done.returncode


def _system() -> str:
    """Return the system and its version, without what the builder of a kernel adds to it."""
    return f"{platform.system()} {platform.release().partition('-')[0]}"


def _table(tallies: list[dict[str, Any]], began: datetime.datetime, minutes: float) -> str:
    by_suite = defaultdict(list)
    for tally in tallies:
        by_suite[tally["suite"]].append(tally)
    took = (datetime.datetime.now(datetime.timezone.utc) - began).total_seconds() / 60
    lines = [
        f"{began:%Y-%m-%d}, {_version()}, Python {platform.python_version()}, {_system()}, "
        f"{os.cpu_count()} cores: `make trust TRUST_MINUTES={minutes:g}` took {took:.0f} minutes.",
        "",
        "| suite | one case | wrong of tried |",
        "|---|---|---|",
    ]
    found = []
    for letter, words in SUITES.items():
        lines.append(f"| {letter} | {words} | {_count(by_suite[letter])} |")
        found += [case for tally in by_suite[letter] for case in tally["found"]]
    if found:
        lines += ["", "Cases that went wrong, with the command that repeats each:", ""]
        lines += [f"- {case['words'][:160]}: `{case['repeat']}`" for case in found[:20]]
    return "\n".join(lines)


def _count(tallies: list[dict[str, Any]]) -> str:
    wrong, done = sum(len(tally["found"]) for tally in tallies), sum(tally["done"] for tally in tallies)
    return f"{wrong} of {done:,}" if done else "not run"


def _replace_row(suite: str, tallies: list[dict[str, Any]], origin: str) -> None:
    """Replace the row of one suite, and say in it that the row is of another run than the table."""
    page = PAGE.read_text("utf-8")
    row = f"| {suite} | {SUITES[suite]} | {_count(tallies)} ({origin}) |"
    PAGE.write_text(re.sub(rf"^\| {suite} \|.*$", lambda _: row, page, flags=re.MULTILINE), "utf-8")
    print(row, *(case["repeat"] for tally in tallies for case in tally["found"]), sep="\n")  # noqa: T201 - the result


def _coverage() -> int:
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "COVERAGE_FILE": f"{folder}/data"}
        run = [sys.executable, "-m", "coverage"]
        sources = ",".join(f"nbrucio.{room}" for room in ROOMS)
        tests = [f"tests/{folder}" for folder in MEASURED]
        command = [*run, "run", "--branch", f"--source={sources}", "-m", "pytest", "-q", "-p", "no:randomly", *tests]
        done = subprocess.run(command, cwd=ROOT, env=environ, check=False)  # noqa: S603
        subprocess.run([*run, "json", "-q", "-o", f"{folder}/json"], cwd=ROOT, env=environ, check=True)  # noqa: S603
        files = json.loads(Path(folder, "json").read_text("utf-8"))["files"]
    lines = [
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}, {_version()}: `make coverage`, which runs the tests "
        f"in {', '.join(f'`tests/{each}`' for each in MEASURED)}. Work in child processes does not count.",
        "",
        "| room | branches taken | statements run |",
        "|---|---|---|",
    ]
    for room in ROOMS:
        own = [file["summary"] for path, file in files.items() if path.startswith(f"nbrucio/{room}/")]
        branches = _share(own, "covered_branches", "num_branches")
        lines.append(f"| `{room}/` | {branches} | {_share(own, 'covered_lines', 'num_statements')} |")
    _replace("coverage", "\n".join(lines))
    return done.returncode


def _share(summaries: list[dict[str, int]], part: str, whole: str) -> str:
    done, of = (sum(one[name] for one in summaries) for name in (part, whole))
    return f"{100 * done / max(of, 1):.1f} % ({done} of {of})"


def _version() -> str:
    numbers: dict[str, str] = {}
    exec((ROOT / "nbrucio" / "version.py").read_text("utf-8"), numbers)  # noqa: S102 - our own file
    return f"nbrucio {numbers['__version__']}"


def _replace(part: str, text: str) -> None:
    """Replace one of the page's two parts, which stand between comments."""
    page = PAGE.read_text("utf-8")
    pattern = re.compile(rf"(<!-- {part} -->\n).*?(\n<!-- end of {part} -->)", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda match: match[1] + text + match[2], page), "utf-8")
    print(text)  # noqa: T201 - the result of the command


if __name__ == "__main__":
    main()

"""What the doctor and a plan say about RSEs, replicas, certificates and kernels: one table of words and actions."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrucio.config import Config, Instance
from nbrucio.core.did import Did
from nbrucio.core.files import FileEntry, ReplicaFacts, RseFacts
from nbrucio.core.unavailable import no_readable_replica
from nbrucio.disk import libraries
from nbrucio.operations.doctor import kernelspecs, machine, servers
from nbrucio.operations.doctor.rses import rse_finding
from nbrucio.operations.doctor.values import Finding
from nbrucio.pipeline.preflight import ending
from tests.catalogue.jwts import jwt
from tests.support.snapshots import Snapshots

CERN = Instance("cern", "cern.example", "https://cern.example", "https://cern.example", "oidc", "jdoe")
READ = ("file", "https", "davs", "http", "root")


def test_words_as_in_the_snapshots(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "_can_install", lambda: True)
    tables = {
        "RSEs": _rses(monkeypatch),
        "replicas": _replicas(),
        "certificates of servers": _certificates(),
        "credentials that end": _endings(),
        "kernels": _kernels(),
    }
    snapshots.check("doctor.txt", ((title, "\n".join(lines)) for title, lines in tables.items()))


def _rses(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from _lines(rse_finding(RseFacts("GOOD", True, False, ("root", "davs")), CERN))
    yield from _lines(rse_finding(RseFacts("OFF", False, False, ("davs",)), CERN))
    yield from _lines(rse_finding(RseFacts("TAPE", True, True, ("root",)), CERN))
    yield from _lines(rse_finding(RseFacts("SRM", True, False, ("srm", "gsiftp")), CERN))
    yield from _lines(rse_finding(RseFacts("NONE", True, False, ()), CERN))
    yield from _lines(rse_finding(RseFacts("LOCAL", True, False, ("file",), ("/eos",)), CERN))
    missing = tuple((names, "no_such_module", library) for names, _, library in machine.LIBRARIES)
    monkeypatch.setattr(machine, "LIBRARIES", missing)
    yield from _lines(rse_finding(RseFacts("WEB", True, False, ("https", "davs")), CERN))
    yield from _lines(rse_finding(RseFacts("ROOT", True, False, ("root",)), CERN))


def _replicas() -> Iterator[str]:
    entry, disk = FileEntry(Did("user", "f"), 1), ("davs",)
    good, off = RseFacts("A", True, False, disk), RseFacts("OFF", False, False, disk)
    cases = {
        "none": (),
        "switched off": (ReplicaFacts("OFF", "AVAILABLE", off),),
        "by srm only": (ReplicaFacts("SRM", "AVAILABLE", RseFacts("SRM", True, False, ("srm",))),),
        "copying": (ReplicaFacts("A", "COPYING", good),),
        "bad": (ReplicaFacts("A", "BAD", good),),
        "bad, and switched off": (ReplicaFacts("A", "BAD", good), ReplicaFacts("OFF", "AVAILABLE", off)),
        "three": (
            ReplicaFacts("A", "BAD", good),
            ReplicaFacts("B", "UNAVAILABLE", None),
            ReplicaFacts("OFF", "AVAILABLE", off),
        ),
        "a state of a later Rucio": (ReplicaFacts("A", "NEW", good),),
        "readable": (ReplicaFacts("A", "AVAILABLE", good),),
        "not described": (ReplicaFacts("A", "AVAILABLE", None),),
    }
    for case, replicas in cases.items():
        error = no_readable_replica(entry, replicas, READ)
        yield f"{case}:"
        yield from ["  unknown"] if error is None else [f"  {error.message}", f"    {error.hint}"]


def _certificates() -> Iterator[str]:
    for days in (60, 2):
        for finding in servers.certificate(CERN.name, CERN.host, time.time() + days * 86400 + 60):
            yield from _lines(finding)


def _endings() -> Iterator[str]:
    config = Config((CERN._replace(storage_token_env="MINE"),), CERN, Path("/nowhere"))
    environ = {"MINE": jwt(exp=int(time.time()) + 600)}
    for rate in (1e6, None):
        for sentence in ending({"cern.example": 10**13}, config, rate, environ):
            yield _timeless(sentence)


def _kernels() -> Iterator[str]:
    outputs = {
        "lent": ('{"file": "HOME/__init__.py", "has_data": true}', ""),
        "foreign": ('{"file": "/srv/nbrucio.py", "has_data": false}', ""),
        "older": ('{"file": "/env/nbrucio/__init__.py", "has_data": true, "version": "0.0.1"}', ""),
        "too old": ("", "Traceback\nSyntaxError: invalid syntax"),
        "killed": ("", ""),
    }
    for name, (out, err) in outputs.items():
        done = subprocess.CompletedProcess([], -9, out.replace("HOME", str(kernelspecs._HOME)), err)
        yield from _lines(kernelspecs._judged(name, done))


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.state.value:<9} {_timeless(finding.text)}"
    for action in filter(None, (finding.hint, finding.next_command)):
        yield f"{'':13}{action}"


def _timeless(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( ?[A-Z]+)?", "<time>", text)

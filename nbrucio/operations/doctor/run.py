"""Runs the checks of the doctor, each independently of the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nbrucio.config import Config, load
from nbrucio.config.check import check
from nbrucio.core.text import plural
from nbrucio.errors import BadConfig, NbrucioError
from nbrucio.operations.doctor.data import data, estimated
from nbrucio.operations.doctor.jupyter import jupyter, kernels
from nbrucio.operations.doctor.kernelspecs import kernelspecs
from nbrucio.operations.doctor.machine import protocols, store
from nbrucio.operations.doctor.rses import rses, used_rses
from nbrucio.operations.doctor.servers import clocks, logins, servers
from nbrucio.operations.doctor.values import Diagnosis, Finding, Verdict
from nbrucio.operations.whoami import logins as login_rows

#: In the order of the report; ``data`` only with notebooks.
AREAS = ("configuration", "servers", "clock", "logins", "protocols", "store", "kernels", "jupyter", "data")


def diagnose(paths: Sequence[Path] = ()) -> Diagnosis:
    """Check configuration, servers, logins, protocols, store, kernels and Jupyter, and the data of notebooks.

    Downloads nothing. It creates the folder for manifests, and a temporary folder beside the store, which it removes.
    """
    areas = {"configuration": tuple(_configuration())}
    try:
        config = load()
    except BadConfig:  # it is among the findings
        return Diagnosis(areas | {"kernels": tuple(kernels())})
    pings = servers(config)
    rows = () if config.policy.offline else tuple(login_rows(config))
    found = estimated(paths, config)
    areas |= {
        "servers": pings.findings,
        "clock": tuple(clocks(pings)),
        "logins": tuple(logins(config, rows)),
        "protocols": (*protocols(config), *rses(config, rows, used_rses(found))),
        "store": tuple(store(config)),
        "kernels": (*kernels(), *kernelspecs()),
        "jupyter": tuple(jupyter(config)),
    }
    if paths:
        areas["data"] = tuple(data(paths, found, config, rows))
    return Diagnosis(areas)


def _configuration() -> list[Finding]:
    found = check()
    findings = [Finding.of(error.subject or "configuration", error) for error in found.errors]
    findings += [Finding("configuration", Verdict.WARNING, sentence) for sentence in found.warnings]
    if not found.errors:
        findings += _instances(load())
    return findings


def _instances(config: Config) -> list[Finding]:
    if not config.instances:
        try:
            config.instance()
        except NbrucioError as error:
            return [Finding.of("configuration", error)]
    names = ", ".join(instance.name for instance in config.instances)
    files = ", ".join(map(str, config.sources)) or "variables"
    return [Finding("configuration", Verdict.OK, f"{plural(len(config.instances), 'instance')}: {names} ({files}).")]

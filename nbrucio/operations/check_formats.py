"""Formats of a check's findings for CI systems: GitHub's annotations and JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from nbrucio.errors import NbrucioError
from nbrucio.operations.check import CheckReport, NotebookCheck

#: Characters that XML 1.0 cannot represent.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def github_lines(report: CheckReport) -> Iterator[str]:
    """Yield one workflow command ``::error …`` per finding; GitHub shows them beside the notebook in a pull request."""
    for notebook in report.notebooks:
        for finding in notebook.findings:
            file, title = _property(str(notebook.path)), _property(f"nbrucio: {finding.code}")
            yield f"::error file={file},title={title}::{_escaped(_words(finding))}"


def junit_xml(report: CheckReport) -> bytes:
    """Return a JUnit document with one test per notebook and one failure per finding."""
    failed = [notebook for notebook in report.notebooks if notebook.findings]
    counts = {"tests": str(len(report.notebooks)), "failures": str(len(failed))}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "nbrucio check", **counts, "errors": "0"})
    for notebook in report.notebooks:
        suite.append(_case(notebook))
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return document + b"\n"


def _case(notebook: NotebookCheck) -> ElementTree.Element:
    name = _NOT_XML.sub("?", str(notebook.path))
    case = ElementTree.Element("testcase", {"classname": "nbrucio.operations.check", "name": name, "file": name})
    for finding in notebook.findings:
        words = _NOT_XML.sub("?", _words(finding))
        message = _NOT_XML.sub("?", finding.message)
        failure = ElementTree.SubElement(case, "failure", {"type": finding.code, "message": message})
        failure.text = words
    return case


def _words(finding: NbrucioError) -> str:
    command = finding.command_here
    lines = [finding.message, finding.hint_here, f"next: {command}" if command else None]
    return "\n".join(line for line in lines if line)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")

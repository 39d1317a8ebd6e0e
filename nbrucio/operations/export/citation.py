"""Citations of a notebook's data: CITATION.cff and BibTeX, from the DOIs of its requirements."""

from __future__ import annotations

import json
from collections.abc import Sequence

from nbrucio.operations.export.gather import Cited

_TEX = {char: f"\\{char}" for char in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}


def citation_cff(title: str, cited: Sequence[Cited]) -> str:
    """Return a CITATION.cff (1.2.0) for the notebook ``title``, with its data as references.

    The authors are placeholders for the notebook's authors to replace.
    """
    lines = [
        "cff-version: 1.2.0",
        "message: If you use this notebook, please cite it and the data it uses.",
        f"title: {_quoted(title)}",
        "type: software",
        "authors:",
        "  - name: The authors of this notebook",
    ]
    lines += ["references:"] if cited else []
    for one in cited:
        did = str(one.requirement.did)
        lines += [
            "  - type: data",
            f"    title: {_quoted(did)}",
            "    authors:",
            f"      - name: {_quoted(f'The authors of {did}')}",
            f"    doi: {_quoted(one.doi)}",
            f"    notes: {_quoted(_note(one))}",
        ]
    return "\n".join(lines) + "\n"


def bibtex(cited: Sequence[Cited]) -> str:
    """Return one ``@misc`` entry per requirement, with its handle as the key; DOI tools add authors and year."""
    entries = (
        f"@misc{{{one.requirement.handle},\n"
        f"  title = {{{_tex(str(one.requirement.did))}}},\n"
        f"  doi = {{{one.doi}}},\n"
        f"  url = {{https://doi.org/{one.doi}}},\n"
        f"  note = {{{_tex(_note(one))}}}\n}}\n"
        for one in cited
    )
    return "\n".join(entries)


def _note(one: Cited) -> str:
    where = f" at {one.requirement.instance}" if one.requirement.instance else ""
    return f"Rucio DID {one.requirement.did}{where}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string


def _tex(text: str) -> str:
    return "".join(_TEX.get(char, char) for char in text)

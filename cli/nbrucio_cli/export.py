"""``nbrucio export``: a notebook's data as citations, a metalink or an RO-Crate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbrucio_cli.common import cli_command, json_option, load_config, print_json
from nbrucio_cli.missing_notebook import GivenPath, notebook_argument

if TYPE_CHECKING:
    from nbrucio.notebook.declared import Declared
    from nbrucio.operations.export.gather import Cited


@click.command("export")
@notebook_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(["metalink", "cff", "bibtex", "ro-crate"]),
    required=True,
    help="The format.",
)
@click.option(
    "--output",
    "-o",
    type=GivenPath("output"),
    help="The file or, for a crate, the folder to write; by default stdout or NOTEBOOK.crate.",
)
@click.option("--offline", is_flag=True, help="For a crate: use only the lock and the cache, without Rucio.")
@click.option("--file-urls", is_flag=True, help="In a metalink, include the file:// URLs of this machine.")
@json_option
@cli_command
def command(notebook: Path, form: str, output: Path | None, offline: bool, file_urls: bool, as_json: bool) -> None:
    """Write the data of NOTEBOOK in a format that other tools read.

    \b
    metalink   files, checksums and URLs, for aria2, curl and other download tools
    cff        CITATION.cff with the data that has a DOI (the key "doi" of a requirement)
    bibtex     the same as BibTeX
    ro-crate   a folder with the notebook, a description of its data, and the list of files
    """
    from nbrucio.operations.export.gather import cited, usable

    declared = usable(notebook)
    references = tuple(cited(declared.declaration))
    if form == "ro-crate":
        target = output or notebook.with_suffix(".crate")
        _crate(declared, references, target, offline=offline)
        _tell(form, target, as_json=as_json)
        return
    document = _metalink(declared, file_urls=file_urls) if form == "metalink" else _citation(form, notebook, references)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(document)
        _tell(form, output, as_json=as_json)
    elif as_json:
        print_json({"format": form, "output": None, "document": document.decode()})
    else:
        click.echo(document.decode(), nl=False)


def _metalink(declared: Declared, *, file_urls: bool) -> bytes:
    from nbrucio.core.text import plural
    from nbrucio.operations.export.gather import resolved, with_replicas
    from nbrucio.operations.export.metalink import metalink
    from nbrucio.pipeline.context import RunContext

    with RunContext(load_config()) as run:
        files = list(with_replicas(resolved(declared, run, offline=False), run))
    if not file_urls:
        files = [(entry, tuple(one for one in replicas if one.scheme != "file")) for entry, replicas in files]
    without = sum(1 for _, replicas in files if not replicas)
    if without:
        hint = "" if file_urls else " --file-urls includes those of mounted storage."
        click.echo(f"warning: {without:,} of {plural(len(files), 'file')} have no URL.{hint}", err=True)
    return metalink(files)


def _citation(form: str, notebook: Path, references: tuple[Cited, ...]) -> bytes:
    from nbrucio.errors import BadDeclaration
    from nbrucio.operations.export.citation import bibtex, citation_cff

    if not references:
        raise BadDeclaration(
            f"No requirement of {notebook} has a DOI.",
            subject=str(notebook),
            hint='Add "doi": "10.…" to a requirement in the notebook\'s metadata.',
        )
    return (citation_cff(notebook.stem, references) if form == "cff" else bibtex(references)).encode()


def _crate(declared: Declared, references: tuple[Cited, ...], folder: Path, *, offline: bool) -> None:
    from nbrucio.operations.export.gather import resolved
    from nbrucio.operations.export.rocrate import write_crate
    from nbrucio.pipeline.context import RunContext

    with RunContext(load_config()) as run:
        write_crate(folder, declared.path, resolved(declared, run, offline=offline), references)


def _tell(form: str, output: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"format": form, "output": str(output), "document": None})
    else:
        click.echo(f"Wrote {output}")

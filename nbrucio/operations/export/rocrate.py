"""An RO-Crate: the notebook, and for each requirement its description and file list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbrucio.core.filelist import list_lines
from nbrucio.core.plan import ResolvedRequirement
from nbrucio.disk.libraries import missing_library
from nbrucio.errors import UsageError
from nbrucio.operations.export.gather import Cited


def write_crate(
    folder: Path, notebook: Path, requirements: Sequence[ResolvedRequirement], cited: Sequence[Cited]
) -> None:
    """Write a crate into the new or empty ``folder``.

    It has a copy of the notebook, ``data/HANDLE.tsv`` with the files of each requirement (``scope:name``, bytes,
    checksum), and ``ro-crate-metadata.json``.

    Raises:
        MissingDependency: the library rocrate is not installed.
        UsageError: the folder is not empty.
    """
    try:
        from rocrate.model.contextentity import ContextEntity
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        raise missing_library("rocrate", f"RO-Crates need rocrate: {error}.", pip="'nbrucio[export]'") from error
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty.", subject=str(folder), hint="Choose a new folder with --output.")
    crate = ROCrate()
    crate.name = notebook.stem
    crate.description = f"The notebook {notebook.name} and the Rucio data that it declares."
    main = crate.add_file(str(notebook), properties={"@type": ["File", "SoftwareSourceCode"], "name": notebook.stem})
    crate.mainEntity = main
    dois = {one.requirement.handle: one.doi for one in cited}
    for resolved in requirements:
        handle = resolved.requirement.handle
        data = crate.add(ContextEntity(crate, f"#{quote(handle)}", _facts(resolved, dois.get(handle))))
        main.append_to("isBasedOn", data)
        listing = _listing(crate, resolved)
        data["subjectOf"] = listing
    folder.mkdir(parents=True, exist_ok=True)
    crate.write(str(folder))


def _listing(crate: Any, resolved: ResolvedRequirement) -> Any:  # noqa: ANN401 - rocrate has no types
    from io import StringIO

    text = "".join(line + "\n" for line in list_lines(resolved.files))
    about = {
        "name": f"Files of {resolved.requirement.did}",
        "encodingFormat": "text/tab-separated-values",
        "description": "scope:name, bytes, adler32 or md5; its SHA-256 is the digest of the dataset.",
    }
    return crate.add_file(StringIO(text), f"data/{resolved.requirement.handle}.tsv", properties=about)


def _facts(resolved: ResolvedRequirement, doi: str | None) -> Mapping[str, object]:
    lock = resolved.lock
    identifiers = [str(resolved.requirement.did), *([f"https://doi.org/{doi}"] if doi else [])]
    facts: dict[str, object] = {
        "@type": "Dataset",
        "name": str(resolved.requirement.did),
        "identifier": identifiers,
        "provider": resolved.instance,
    }
    if lock is not None:
        facts["size"] = f"{'unknown size' if lock.size_bytes is None else f'{lock.size_bytes} B'} in {lock.files} files"
        facts["version"] = lock.digest
        facts["dateModified"] = lock.locked
    return facts

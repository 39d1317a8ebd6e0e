"""The notebooks that a run works on: the named files, and the notebooks below the named folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nbrucio.errors import BadNotebook, NbrucioError
from nbrucio.kernel.quoting import quoted_path

#: Folders that hold copies of notebooks, not notebooks.
_SKIPPED_FOLDERS = {".ipynb_checkpoints", ".git", "node_modules", ".venv"}


def expand(paths: Sequence[Path], warn: Callable[[str], object]) -> list[Path]:
    """Return the files in ``paths`` and the notebooks below its folders.

    A notebook in a folder that cannot be read and does not mention nbrucio declares nothing: it is left out, and
    ``warn`` gets a sentence about it.

    Raises:
        BadNotebook: a folder has no notebook.
    """
    found: list[Path] = []
    for path in paths:
        if not _is_folder(path):
            found.append(path)
            continue
        below = sorted(_notebooks_below(path))
        if not below:
            raise BadNotebook(f"There is no notebook in {path}.", subject=str(path))
        found += [notebook for notebook in below if not _is_foreign(notebook, warn)]
    return list(dict.fromkeys(found))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a name that is too long; reading it as a notebook reports that
        return False


def notebooks_in(folder: Path) -> list[Path]:
    """Return the notebooks in ``folder`` and not below it, by name, with text notebooks that declare data.

    Raises:
        OSError: the folder cannot be listed.
    """
    return sorted(path for path in folder.iterdir() if _is_notebook(path))


def _is_foreign(path: Path, warn: Callable[[str], object]) -> bool:
    """Warn of an unreadable notebook without any mention of nbrucio or of rucio-jupyterlab's attachments."""
    from nbrucio.disk.read import open_regular
    from nbrucio.notebook.base import ATTACHMENTS_KEY, KEY, MAX_BYTES
    from nbrucio.notebook.ipynb import load

    try:
        if path.suffix.lower() != ".ipynb":
            return False
        with open_regular(path, MAX_BYTES) as file:
            content = file.read()
        if KEY.encode() in content or ATTACHMENTS_KEY.encode() in content:
            return False
        load(path)
    except NbrucioError as error:
        warn(f"{error.message} It is left out, because it does not mention nbrucio.")
        return True
    except OSError:
        return False  # whether it declares data is unknown
    return False


def check_findable(path: Path) -> None:
    """Raise for the name of a new notebook that no run on its folder would include.

    Raises:
        BadNotebook: its suffix is not one of a notebook, or it is in a folder that is left out.
    """
    from nbrucio.notebook.yaml_header import COMMENTS

    left_out = _SKIPPED_FOLDERS & set(path.parts)
    if left_out:
        raise BadNotebook(
            f"{path} is in a folder named {min(left_out)}, which nbrucio leaves out.",
            subject=str(path),
            hint="Choose another folder.",
        )
    if path.suffix.lower() != ".ipynb" and path.suffix.lower() not in COMMENTS:
        raise BadNotebook(
            f"{path} does not have the name of a notebook.",
            subject=str(path),
            hint=f"Choose a name that ends in .ipynb, or for a text notebook in {', '.join(COMMENTS)}.",
        )
    if path.suffix.lower() != ".ipynb" and path.with_suffix(".ipynb").exists():
        raise BadNotebook(
            f"{path} would be the text of {path.with_suffix('.ipynb').name}, which has the declaration.",
            subject=str(path),
            next_command=f"nbrucio init {quoted_path(path.with_suffix('.ipynb'))}",
        )


def _notebooks_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if not _SKIPPED_FOLDERS & set(path.relative_to(folder).parts) and _is_notebook(path):
            yield path


def _is_notebook(path: Path) -> bool:
    """Whether ``path`` names a notebook, or a text notebook that declares data and has no ``.ipynb`` beside it."""
    from nbrucio.notebook.yaml_header import COMMENTS

    kind = path.suffix.lower()
    if kind == ".ipynb" or kind not in COMMENTS:
        return kind == ".ipynb"
    from nbrucio.notebook.text import declares_in_text

    return not path.with_suffix(".ipynb").exists() and declares_in_text(path)

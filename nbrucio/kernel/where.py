"""Finds the folders of manifests, and the notebook of this kernel."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Points to the manifest itself. A pointer and never a value: kernels keep their first environment over restarts.
MANIFEST_VARIABLE = "NBRUCIO_MANIFEST"
NOTEBOOK_VARIABLE = "NBRUCIO_NOTEBOOK"
RUNTIME_VARIABLE = "NBRUCIO_RUNTIME_DIR"
#: How the names of notebooks end in any case, those as text included.
_NOTEBOOK_NAMES = frozenset({".ipynb", ".py", ".md", ".r", ".jl", ".cpp", ".markdown", ".rmd", ".qmd"})


def runtime_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for manifests, which is neither created nor checked."""
    return next(runtime_folders(environ))


def runtime_folders(environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Return the folders that may contain a manifest, first the one that this process writes to. There are several
    because XDG_RUNTIME_DIR often differs between a user's terminals and kernels.
    """
    if environ.get(RUNTIME_VARIABLE):
        yield Path(environ[RUNTIME_VARIABLE])
        return
    uid = os.getuid()
    seen = environ.get("XDG_RUNTIME_DIR")
    if seen and _can_use(Path(seen, "nbrucio")):
        yield Path(seen, "nbrucio")
    import tempfile  # takes 5 ms, and who writes a manifest where there is a runtime folder needs no other

    yield Path(tempfile.gettempdir(), f"nbrucio-{uid}")
    if not seen:
        yield Path("/run/user", str(uid), "nbrucio")


def make_private(folder: Path) -> None:
    """Create ``folder`` with mode 0700, or check that it belongs to this user.

    Raises:
        PermissionError: it is a symbolic link, not a folder, or another user's; the message says which.
        OSError: it cannot be created.
    """
    if not folder.parent.exists():
        make_private(folder.parent)
    try:
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)  # a umask may leave less
    except FileExistsError:
        fault = fault_of_folder(folder)
        if fault:
            raise PermissionError(f"{folder} {fault}") from None
        if stat.S_IMODE(folder.lstat().st_mode) & 0o077:
            folder.chmod(0o700)


def fault_of_folder(folder: Path) -> str | None:
    """Return why ``folder`` is not safe for manifests ("is a symbolic link"); None if it is."""
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a folder"
    if status.st_uid != os.getuid():
        return "belongs to another user"
    return None


def _can_use(folder: Path) -> bool:
    """Whether ``folder`` is safe and writable, or can be created. XDG_RUNTIME_DIR may be gone or another user's."""
    above = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    try:
        return (above != folder or fault_of_folder(folder) is None) and above.is_dir() and os.access(above, os.W_OK)
    except OSError:
        return False


def manifest_name(notebook: str | os.PathLike[str]) -> str:
    """Return the file name of a notebook's manifest: the SHA-256 of its absolute real path."""
    real = os.path.realpath(os.fspath(notebook))
    return hashlib.sha256(os.fsencode(real)).hexdigest() + ".json"


def find_manifest(notebook: str | os.PathLike[str], environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the newest manifest of ``notebook`` in any runtime folder of this user, or None."""
    name = manifest_name(notebook)
    newest: tuple[int, Path] | None = None
    for folder in runtime_folders(environ):
        try:
            if fault_of_folder(folder) is not None:
                continue
            written = (folder / name).stat().st_mtime_ns
        except OSError:
            continue
        if newest is None or written > newest[0]:
            newest = (written, folder / name)
    return newest[1] if newest else None


def find_notebook(
    environ: Mapping[str, str] = os.environ, namespace: Mapping[str, object] | None = None, *, guess: bool = True
) -> Path | None:
    """Return the notebook that this process runs; None if unknown.

    Args:
        environ: the process environment.
        namespace: the user's variables; None means those of ``__main__``, as in IPython.
        guess: also use sources that may be out of date or about another notebook.
    """
    variables = vars(sys.modules["__main__"]) if namespace is None else namespace
    told = [environ.get(NOTEBOOK_VARIABLE), variables.get("__vsc_ipynb_file__")]
    if guess:
        told += [environ.get("JPY_SESSION_NAME"), variables.get("PAPERMILL_INPUT_PATH")]
    for text in told:
        notebook = existing_notebook(text)
        if notebook:
            return notebook
    return _parents_notebook() if guess else None


def existing_notebook(text: object) -> Path | None:
    """Return the path ``text`` if it is a notebook file; else None."""
    # JPY_SESSION_NAME is what a client chose: a path, a path that was renamed since, or a UUID.
    if not isinstance(text, str) or "\0" in text or not _is_name(text):
        return None
    path = Path(text)
    return path.absolute() if os.path.isfile(path) else None  # noqa: PTH113 - Path raises for a name that is too long


def _is_name(text: str) -> bool:
    return Path(text).suffix.lower() in _NOTEBOOK_NAMES


def _parents_notebook(process: Path | None = None) -> Path | None:
    """Return the notebook of the parent papermill, ``jupyter execute`` or nbconvert, if it is certain."""
    parent = process or Path("/proc", str(os.getppid()))
    try:
        words = (parent / "cmdline").read_bytes().split(b"\0")
        folder = Path(os.readlink(parent / "cwd"))  # noqa: PTH115 - Path.readlink is the same with more words
    except OSError:
        return None
    programs = {Path(os.fsdecode(word)).name for word in words[:3]}
    if "jupytext" in programs:
        texts = (folder / os.fsdecode(word) for word in words[2:] if _is_name(os.fsdecode(word)))
        return next((path for path in texts if path.is_file()), None)
    named = [folder / os.fsdecode(word) for word in words if word.lower().endswith(b".ipynb")]
    existing = [path for path in named if path.is_file()]
    # papermill takes the input, then the output (which may exist from an earlier run).
    if "papermill" in programs and named and named[0].is_file():
        return named[0]
    return existing[0] if len(existing) == 1 and len(named) == 1 else None

"""Variables for handles: a text for a file, a list of texts for a dataset or container. They have the types and
attributes of rucio-jupyterlab's variables, so that its notebooks run unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .files import Files


class _Described:
    """Has the attributes of `Files` beside those of its own type: ``did``, ``folder``, ``files``, …"""

    _files: Files
    did_available = True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as many types as attributes
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._files, name)


class FilePath(_Described, str):
    """The path of a file, or the PFN of a streamed one."""

    pfn: str | None

    _index: int

    def __new__(cls, files: Files, index: int) -> FilePath:
        file = files.files[index]
        self = super().__new__(cls, file.path or file.pfn or "")
        self._files, self._index, self.pfn = files, index, file.pfn
        return self

    def checked(self) -> FilePath:
        """Return the same.

        Raises:
            DataNotHere: the file was removed or changed since the sync.
        """
        self._files[self._index]
        return self

    @property
    def path(self) -> str:
        """The same as plain text."""
        return str(self)

    def __repr__(self) -> str:
        return str(self)  # without quotes, as rucio-jupyterlab shows it

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple(self._files[self._index].__reduce__())


class FilePaths(_Described, list):  # type: ignore[type-arg] # Python 3.9 has no other form for a base class
    """The paths of a requirement's files, checked as in `Files`. Changing this list does not change data."""

    def __init__(self, files: Files) -> None:
        super().__init__(FilePath(files, index) for index in range(len(files)))
        self._files = files

    def __getitem__(self, index: Any) -> Any:  # noqa: ANN401 - whatever the user put in
        found = super().__getitem__(index)
        return found.checked() if isinstance(found, FilePath) else found

    def __iter__(self) -> Iterator[Any]:
        return (each.checked() if isinstance(each, FilePath) else each for each in super().__iter__())

    def __repr__(self) -> str:
        return super().__repr__()  # on one line, as rucio-jupyterlab's: IPython breaks the lines of plain lists

    @property
    def items(self) -> list[FilePath]:
        """The paths, as rucio-jupyterlab calls them."""
        return list(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (list, (list(super().__iter__()),))


def variable_of(files: Files) -> FilePath | FilePaths:
    """Return the variable for the handle of ``files``."""
    is_file = len(files) == 1 and files.files[0].did == files.did
    return FilePath(files, 0) if is_file else FilePaths(files)

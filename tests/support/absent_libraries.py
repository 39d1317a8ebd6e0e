"""Processes in which some libraries are not installed, as after ``pip install --no-deps``."""

from __future__ import annotations

from pathlib import Path

_SITECUSTOMIZE = """
import importlib.abc, importlib.metadata, sys

MODULES, DISTRIBUTIONS = {modules!r}, {distributions!r}


class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MODULES:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


def distribution(name, found=importlib.metadata.distribution):
    if name in DISTRIBUTIONS:
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)


sys.meta_path.insert(0, Absent())
importlib.metadata.distribution = distribution
"""


def without(folder: Path, *distributions: str) -> dict[str, str]:
    """The environment variable with which a Python process finds none of ``distributions``, names on PyPI."""
    modules = tuple(name.replace("-clients", "").replace("-", "_") for name in distributions)
    (folder / "sitecustomize.py").write_text(_SITECUSTOMIZE.format(modules=modules, distributions=distributions))
    return {"PYTHONPATH": str(folder)}

"""Manifests for the kernel's tests."""

from __future__ import annotations

from pathlib import Path

from nbrucio.pipeline.manifest import Manifest, ManifestEntry, ManifestFile


def local_entry(folder: Path, handle: str, *names: str, did: str | None = None) -> ManifestEntry:
    """A ready entry whose files lie in ``folder``, 10 bytes each."""
    files = []
    for name in names:
        path = folder / name
        path.write_bytes(b"0123456789")
        files.append(ManifestFile(f"s:{name}", str(path), bytes=10, checksum="adler32:0aff020e"))
    return ManifestEntry(handle, did or f"s:{handle}", "rucio.example.org", "ready", tuple(files), folder=str(folder))


def of(notebook: Path, *entries: ManifestEntry) -> Manifest:
    """A manifest of ``notebook``, which is created."""
    notebook.write_text("{}")
    return Manifest.of(notebook, entries)

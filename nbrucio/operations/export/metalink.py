"""A metalink (RFC 5854) of a notebook's files, for download tools without Rucio.

It has the same content as Rucio's own metalinks, so that ``rucio download --metalink`` accepts it: the DID as the
file's identity, and the RSE as a URL's location.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree

from nbrucio.core.files import FileEntry, Replica
from nbrucio.store.names import link_names

_NAMESPACE = "urn:ietf:params:xml:ns:metalink"


def metalink(files: Iterable[tuple[FileEntry, tuple[Replica, ...]]]) -> bytes:
    """Return the document for these files and their replicas, best first. All names are safe in one folder."""
    listed = list(files)
    names = link_names([entry.did for entry, _ in listed])
    root = ElementTree.Element("metalink", {"xmlns": _NAMESPACE})
    for name, (entry, replicas) in zip(names, listed, strict=True):
        _add_file(root, name, entry, replicas)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    return document + b"\n"


def _add_file(root: ElementTree.Element, name: str, entry: FileEntry, replicas: tuple[Replica, ...]) -> None:
    file = ElementTree.SubElement(root, "file", {"name": name})
    _add(file, "identity", str(entry.did))
    for kind, digits in (("adler32", entry.adler32), ("md5", entry.md5)):
        if digits:
            _add(file, "hash", digits, type=kind)
    if entry.size_bytes is not None:
        _add(file, "size", str(entry.size_bytes))
    for priority, replica in enumerate(replicas, 1):
        url = replica.pfn.replace("davs://", "https://", 1) if replica.scheme == "davs" else replica.pfn
        _add(file, "url", url, location=replica.rse, priority=str(priority), domain="wan", client_extract="false")


def _add(parent: ElementTree.Element, tag: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, tag, attributes).text = text

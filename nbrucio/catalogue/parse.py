"""Parses rows of Rucio's responses. An invalid value is an error that names the row.

So is a malformed checksum: if it counted as absent, a damaged catalogue would disable verification.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from operator import itemgetter
from typing import Any

from nbrucio.core.did import Did, DidType
from nbrucio.core.files import DidFacts, FileEntry, Replica, RseFacts
from nbrucio.core.replica_sums import ReplicaSums, RseSum
from nbrucio.core.text import is_shown_whole, printable
from nbrucio.errors import BadDid, RucioRefused

#: No sum of bytes reaches it.
_MAX_COUNT = 2**63 - 1
_ADLER32 = re.compile(r"[0-9a-f]{1,8}\Z")
_MD5 = re.compile(r"[0-9a-f]{32}\Z")
_REPORT = "Report it to the operators of this Rucio server."

RucioRow = Mapping[str, Any]


def row_of(value: object) -> RucioRow:
    """Return ``value`` as a row.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, dict):
        raise ValueError("this is not a row")
    return value


def label_of(value: object) -> str:
    """Return ``value`` if it is a text that can be shown as it is: the name of an RSE or account, a state.

    Raises:
        ValueError: it is something else, or has control characters, which would command the user's terminal.
    """
    if not isinstance(value, str) or not is_shown_whole(value):
        raise ValueError("this is not a name")
    return value


def did_of(row: object) -> Did:
    """Return the DID of a row with ``scope`` and ``name``.

    Raises:
        RucioRefused: it has none, or one that nbrucio cannot handle.
    """
    scope, name = (row.get("scope"), row.get("name")) if isinstance(row, dict) else (None, None)
    if not isinstance(scope, str) or not isinstance(name, str):
        raise RucioRefused(f"The server sent a row without scope and name: {printable(str(row))}.", hint=_REPORT)
    try:
        return Did.of(scope, name)
    except BadDid as error:
        raise RucioRefused(
            f"The server lists a DID that is invalid in nbrucio. {error.message}",
            subject=f"{scope}:{name}",
            hint=_REPORT,
        ) from error


def file_of(row: object) -> FileEntry:
    """Return the file of a row of the files call.

    Raises:
        RucioRefused: the row is malformed.
    """
    did = did_of(row)
    assert isinstance(row, dict)
    return FileEntry(did, count_of(row, "bytes", did), _adler32(row, did), _md5(row, did))


def replicas_of(row: object, schemes: Container[str]) -> tuple[Did, tuple[Replica, ...]]:
    """Return the file and the replicas of a row of list_replicas, in the server's order of preference.

    Constituents of archives are left out, because nbrucio does not unpack. So are replicas of other schemes than
    ``schemes``: a server must not choose how this machine reads.

    Args:
        schemes: requested schemes, in lower case.

    Raises:
        RucioRefused: the row is malformed.
    """
    did = did_of(row)
    assert isinstance(row, dict)
    pfns = row.get("pfns") or {}
    if not isinstance(pfns, dict):
        raise _malformed(did, "replicas")
    found: list[tuple[int, Replica]] = []
    for pfn, facts in pfns.items():
        if not isinstance(facts, dict):
            raise _malformed(did, "replicas")
        if facts.get("client_extract"):
            continue
        rse, priority = facts.get("rse"), facts.get("priority")
        if not isinstance(rse, str) or not isinstance(priority, int) or not is_shown_whole(rse + pfn):
            raise _malformed(did, "replicas")
        replica = Replica(rse, pfn, facts.get("type") == "TAPE")
        if replica.scheme in schemes:
            found.append((priority, replica))
    found.sort(key=_priority)
    return did, tuple([replica for _, replica in found])


_priority = itemgetter(0)


def near_rses(row: object) -> frozenset[str]:
    """Return the RSEs of a row of list_replicas that are at the site from which it was requested."""
    pfns = row.get("pfns") if isinstance(row, dict) else None
    facts = pfns.values() if isinstance(pfns, dict) else ()
    return frozenset(str(one.get("rse")) for one in facts if isinstance(one, dict) and one.get("domain") == "lan")


def facts_of(row: object, type_key: str) -> DidFacts:
    """Return type, openness and totals of a DID from a row with its type at ``type_key``.

    A row of a search does not say whether a DID is open. It then counts as open when it has no totals, because Rucio
    stores totals when a DID is closed. Totals of an open DID are left out, since they may be from before it was
    reopened.

    Raises:
        RucioRefused: the row is malformed.
    """
    did = did_of(row)
    assert isinstance(row, dict)
    try:
        kind = DidType(row.get(type_key))
    except ValueError as error:
        raise _malformed(did, "type") from error
    size_bytes, files = count_of(row, "bytes", did), count_of(row, "length", did)
    if kind is DidType.FILE:
        return DidFacts(did, kind, False, size_bytes, 1)
    is_open = row["open"] is True if "open" in row else size_bytes is None and files is None
    return DidFacts(did, kind, True) if is_open else DidFacts(did, kind, False, size_bytes, files)


def rse_of(row: object) -> RseFacts:
    """Return the RSE of a row with its protocols.

    Raises:
        ValueError: the row is malformed.
    """
    facts = row_of(row)
    name, protocols = label_of(facts.get("rse")), facts.get("protocols")
    if not isinstance(protocols, list):
        raise ValueError("this is not an RSE")
    read = [one for one in map(row_of, protocols) if _is_read_by(one)]
    schemes = dict.fromkeys(label_of(one.get("scheme")).lower() for one in read)
    folders = tuple(label_of(one.get("prefix") or "/") for one in read if one.get("scheme") == "file")
    is_readable = facts.get("availability_read") is not False
    hosts = tuple(dict.fromkeys(filter(None, map(_tls_host, read))))
    return RseFacts(name, is_readable, facts.get("rse_type") == "TAPE", tuple(schemes), folders, hosts)


def _tls_host(protocol: RucioRow) -> tuple[str, int] | None:
    """Return host and port of a protocol whose connections begin with TLS; None for others."""
    host, port = protocol.get("hostname"), protocol.get("port")
    if str(protocol.get("scheme")).lower() not in ("https", "davs") or not isinstance(host, str):
        return None
    if not host or not host.isprintable():
        return None
    return host, port if isinstance(port, int) and 0 < port < 65536 else 443


def sums_of(rows: Iterable[object], dataset: Did) -> ReplicaSums:
    """Return the sums of the replicas of ``dataset`` from its rows, of which there is at least one.

    An RSE may have two rows: one of files, and one of constituents of archives. The latter are left out where there is
    a row of files, because nbrucio does not unpack.

    Raises:
        RucioRefused: a row is malformed.
    """
    files = 0
    parts: dict[str, RseSum] = {}
    for row in rows:
        if did_of(row) != dataset:
            raise _malformed(dataset, "name")
        assert isinstance(row, dict)
        rse, length, available = (
            row.get("rse"),
            count_of(row, "length", dataset),
            count_of(row, "available_length", dataset),
        )
        if not isinstance(rse, str) or not is_shown_whole(rse) or length is None or (available or 0) > length:
            raise _malformed(dataset, "replicas")
        files = max(files, length)
        size_bytes = count_of(row, "available_bytes", dataset) if available else 0
        parts.setdefault(rse, RseSum(rse, available or 0, size_bytes))
    return ReplicaSums(dataset, files, tuple(parts.values()))


def _is_read_by(protocol: RucioRow) -> bool:
    """Whether a protocol is for reading, from anywhere; Rucio ranks it there by a number, and 0 switches it off."""
    domains = protocol.get("domains")
    each = domains.values() if isinstance(domains, dict) else ()
    return any(isinstance(domain, dict) and domain.get("read") for domain in each)


def count_of(row: RucioRow, key: str, did: Did) -> int | None:
    """Return the integer at ``key``, from 0 to `_MAX_COUNT`; None when the server does not know it.

    Raises:
        RucioRefused: it is something else.
    """
    value = row.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_COUNT):
        raise _malformed(did, key)
    return value


def _adler32(row: RucioRow, did: Did) -> str | None:
    text = _checksum(row, "adler32", did)
    if text is not None and not _ADLER32.match(text):
        raise _malformed(did, "adler32")
    return None if text is None else text.zfill(8)  # some clients register it without leading zeros


def _md5(row: RucioRow, did: Did) -> str | None:
    text = _checksum(row, "md5", did)
    if text is not None and not _MD5.match(text):
        raise _malformed(did, "md5")
    return text


def _checksum(row: RucioRow, key: str, did: Did) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise _malformed(did, key)
    return value.strip().lower() or None if value is not None else None


def _malformed(did: Did, what: str) -> RucioRefused:
    return RucioRefused(
        f"The server's entry for {printable(str(did))} is malformed: {what}.",
        subject=str(did),
        hint=_REPORT,
    )

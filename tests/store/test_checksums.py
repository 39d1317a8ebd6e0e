"""The quick adler32 against the standard library's."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from nbrucio.store.checksums import adler32


@given(st.lists(st.binary(max_size=9000), max_size=5))
def test_it_goes_on_from_one_chunk_to_the_next_as_the_standard_one_does(chunks: list[bytes]) -> None:
    value = 1
    for chunk in chunks:
        value = adler32(memoryview(chunk), value)
    assert value == zlib.adler32(b"".join(chunks))


def test_a_long_run_of_the_highest_byte_does_not_overflow() -> None:
    block = b"\xff" * (1 << 20)
    assert adler32(block, zlib.adler32(block)) == zlib.adler32(block * 2)

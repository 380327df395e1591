"""Unpack an answer that came packed although it was asked for as it is, in pieces of a size that can be borne."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

# The packings that proxies add unasked. Others, and several around each other, are left as they came: no answer.
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})
# zlib tells the headers of both apart by itself.
_EITHER_HEADER = zlib.MAX_WBITS | 32
_PIECE = 16 * 1024


def can_unpack(encoding: str) -> bool:
    """Say whether an answer of this Content-Encoding is unpacked."""
    return encoding.strip().lower() in _KNOWN


async def unpacked(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what is packed in these chunks; raises zlib.error when that is nothing.

    httpx would unpack each chunk whole: 16 KiB can hold 16 MiB, and in packings around each other far more.
    """
    packing = zlib.decompressobj(_EITHER_HEADER)
    async for chunk in chunks:
        left = chunk
        while left and not packing.eof:
            piece = packing.decompress(left, _PIECE)
            left = packing.unconsumed_tail
            if piece:
                yield piece

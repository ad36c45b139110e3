"""Which ids were met, in a fixed room of memory."""

import hashlib
import os

BITS = 2**26  # 8 MiB: one error in 90,000 with a million ids, one in 25 with ten million
HASHES = 4


class IdFilter:
    """A Bloom filter (Bloom 1970): an id that was added is always found, one that was not is hardly ever.

    Each filter errs on other ids: what one look over an index passes over in error, the next one finds.
    """

    def __init__(self) -> None:
        self._bits = bytearray(BITS // 8)
        self._salt = os.urandom(16)

    def add(self, id_: str) -> None:
        """Note an id."""
        for place in self._places(id_):
            self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, id_: str) -> bool:
        return all(self._bits[place >> 3] & 1 << (place & 7) for place in self._places(id_))

    def _places(self, id_: str) -> list[int]:
        digest = hashlib.blake2b(id_.encode(), key=self._salt, digest_size=4 * HASHES).digest()
        return [int.from_bytes(digest[4 * i : 4 * i + 4]) % BITS for i in range(HASHES)]

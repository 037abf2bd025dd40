"""Title and text -> a hash that is equal for exact copies, and a fingerprint that is alike for near duplicates."""

import binascii
import hashlib
import struct
import zlib
from typing import Final

from rensa import RMinHash

from services.core.article import one_line
from services.core.shingles import shingles

FEWEST_SHINGLES: Final = 20
"""Different ones. A shorter text, such as a headline or a picture's caption, tells too little to be compared."""
PERMUTATIONS: Final = 1024
BANDS: Final = 9
ROWS: Final = 4
"""Permutations of a band. Texts of Jaccard similarity s share one with probability 1 - (1 - s**4)**9: .991 at .8."""

_KIND: Final = "mh1"
"""What is before the colon: fingerprints of another algorithm, seed or shingle begin otherwise."""
_SEED: Final = 20_260_131
_BITS: Final = 3
"""Kept of each value, the lowest ones."""
_CHANCE: Final = 2.0**-_BITS
"""That two values which differ have the same lowest bits."""
_LAST_OCTAL_DIGIT: Final = bytes(ord("0") + (byte & 7) for byte in range(256))
_ONES: Final = int("1" * PERMUTATIONS, 8)
_SIGNATURE_BYTES: Final = PERMUTATIONS * _BITS // 8
_BANDS: Final = f">{BANDS}I"
_BANDS_BYTES: Final = struct.calcsize(_BANDS)

# Another version gives other values: nothing new would be found to be a near duplicate of what is stored.
assert RMinHash.ALGORITHM_VERSION == 2, f"fingerprints of kind {_KIND} need version 2 of rensa's R-MinHash"


def content_hash(title: str | None, text: str) -> str:
    """
    Return the SHA-256 of title and text with case and white space settled, as 64 hexadecimal digits.

    A missing title and an empty one give the same hash. Where the title ends and the text begins counts.
    """
    # A lone surrogate may come out of JSON; UTF-8 cannot hold it, and a hash must not fail.
    return hashlib.sha256(f"{_settled(title or '')}\n{_settled(text)}".encode("utf-8", "surrogatepass")).hexdigest()


def fingerprint(text: str) -> str | None:
    """
    Return the near-duplicate fingerprint of a text; None if it has fewer than `FEWEST_SHINGLES` different shingles.

    The title is no part of it: it is what changes first when a report is syndicated.
    A fingerprint is `mh1:` and base64 (RFC 4648) of 420 bytes: 9 bands, then a signature of 1,024 permutations.
    The permutations are rensa's R-MinHash (after Dahlgaard, Knudsen, Thorup, "Fast similarity sketching", 2017).
    Of each value the signature keeps the 3 lowest bits (Li, König, "b-bit minwise hashing", 2010); a band is the CRC-32
    of 4 whole ones. The same text has the same fingerprint on every machine.
    """
    found = shingles(text)
    # Mostly the first few show that there are enough.
    if len(set(found[: 2 * FEWEST_SHINGLES])) < FEWEST_SHINGLES > len(set(found)):
        return None
    sketch = RMinHash(PERMUTATIONS, _SEED)
    sketch.update(found)
    values = struct.pack(f"<{PERMUTATIONS}I", *sketch.digest())
    bands = (zlib.crc32(values[at : at + 4 * ROWS], at) for at in range(0, 4 * ROWS * BANDS, 4 * ROWS))
    packed = int(values[::4].translate(_LAST_OCTAL_DIGIT), 8).to_bytes(_SIGNATURE_BYTES, "big")
    return _written(struct.pack(_BANDS, *bands) + packed)


def similarity(one: str, other: str) -> float:
    """
    Return the Jaccard similarity of two texts as their fingerprints estimate it, 0 to 1; standard error .012 at .8.

    Fingerprints of different kinds cannot be compared: 0. Raises ValueError for what is no fingerprint.
    """
    ours, theirs = signature(one), signature(other)
    return 0.0 if ours is None or theirs is None else signature_similarity(ours, theirs)


def signature(fingerprint: str) -> int | None:
    """
    Return the fingerprint as a number, which is quick to compare and small to keep; None for one of another kind.

    Raises ValueError for what is no fingerprint.
    """
    raw = _raw(fingerprint)
    return None if raw is None else int.from_bytes(raw, "big")


def of_signature(signature: int) -> str:
    """Return the fingerprint that `signature` made a number of."""
    return _written(signature.to_bytes(_BANDS_BYTES + _SIGNATURE_BYTES, "big"))


def signature_similarity(one: int, other: int) -> float:
    """Return the estimated Jaccard similarity of two texts by their `signature`, 0 to 1, in half a microsecond."""
    # The bands are in front, where `_ONES` has none.
    differing = one ^ other
    same = 1 - ((differing | differing >> 1 | differing >> 2) & _ONES).bit_count() / PERMUTATIONS
    return max(0.0, (same - _CHANCE) / (1 - _CHANCE))


def bands(fingerprint: str) -> tuple[int, ...]:
    """
    Return hashes, under 2**32, of which near duplicates share at least one; none for a fingerprint of another kind.

    Raises ValueError for what is no fingerprint.
    """
    raw = _raw(fingerprint)
    return () if raw is None else struct.unpack_from(_BANDS, raw)


def id_band(document_id: str) -> int:
    """Return the band that only versions of one document share: from 2**32, so no other is the same, to 2**49."""
    # JSON's numbers are sure up to 2**53 only.
    digest = hashlib.blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return 2**32 + int.from_bytes(digest, "big")


def _written(raw: bytes) -> str:
    return f"{_KIND}:{binascii.b2a_base64(raw, newline=False).decode()}"


def _raw(fingerprint: str) -> bytes | None:
    kind, colon, encoded = fingerprint.partition(":")
    if not colon:
        raise ValueError(f"expected a fingerprint such as {_KIND}:…, got {fingerprint[:20]!r}")
    if kind != _KIND:
        return None
    try:
        raw = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError as error:
        raise ValueError(f"fingerprint {fingerprint[:20]!r}…: {error}") from error
    if len(raw) != _BANDS_BYTES + _SIGNATURE_BYTES:
        raise ValueError(f"fingerprint {fingerprint[:20]!r}… holds {len(raw)} bytes, expected 420")
    return raw


def _settled(text: str) -> str:
    # All white space counts the same; where only paragraphs are set apart, `one_line` need not take the text to pieces.
    return one_line(text.casefold().replace("\n\n", " "))

"""Bytes -> text: the encoding is found, checked and undone, and the characters are settled."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from charset_normalizer import from_bytes

from schemas.dead_letters import Reason
from services.core.rejections import Rejected

_SAMPLE: Final = 64 * 1024
"""Characters or bytes that are looked at to tell text from anything else."""
_GUESS_SAMPLE: Final = 8 * 1024
"""Bytes given to charset-normalizer, whose time grows with them: some 20 ms for these."""
_MAX_NOISE: Final = 0.05
"""Share of control characters that a text may have. Compressed data has .1, real text next to none."""

# Marks of four bytes come first: the mark of UTF-16 begins that of UTF-32.
_BYTE_ORDER_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_SIGNATURES: Final = (
    (b"%PDF-", "a PDF"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"PK\x03\x04", "a zip archive or office document"),
    (b"\x1f\x8b\x08", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"{\\rtf", "an RTF document"),
)

_DECLARATION: Final = re.compile(
    rb"""(?:<meta\b[^>]{0,500}?\bcharset|<\?xml\b[^>]{0,200}?\bencoding)\s{0,9}=\s{0,9}["']?\s{0,9}([\w:.+-]{1,40})""",
    re.IGNORECASE,
)
_DECLARED_WITHIN: Final = 4096

# What browsers read these names as (WHATWG Encoding Standard): a superset each, as pages use it.
_READ_AS: Final = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "tis-620": "cp874",
    "utf-16": "utf-16-le",
    "unicode": "utf-16-le",
}
# Python calls these encodings; no page is written in them, and some run code paths of their own.
_NOT_FOR_PAGES: Final = {
    "idna",
    "punycode",
    "undefined",
    "unicode-escape",
    "raw-unicode-escape",
    "utf-7",
    "mbcs",
    "oem",
}
_LEGACY: Final = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "koi8_r", "koi8_u"),
    *("iso8859_2", "cp874", "gb18030", "big5", "cp932", "euc_jp", "cp949"),
]

_LINE_ENDS: Final = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")
# Tab and newline are text. Soft hyphens, zero-width blanks and byte order marks only break words apart.
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff\ufffe\uffff]")
# Both at once, in UTF-8, where bytes.translate looks for those of ASCII and the first bytes of the others are rare.
_UNSETTLED_ASCII: Final = bytes([*range(9), *range(0x0B, 0x20), 0x7F])
_UNSETTLED_BEYOND: Final = tuple(
    re.compile(pattern)
    for pattern in (b"\xc2[\x80-\x9f\xad]", b"\xe2(?:\x80[\x8b\xa8\xa9]|\x81\xa0)", b"\xef(?:\xbb\xbf|\xbf[\xbd-\xbf])")
)
"""Among them U+FFFD, which is no control but noise: see `require_text`."""
_NOISE: Final = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd-\uffff]")
_NOISE_BYTES: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_NON_ASCII: Final = re.compile(rb"[\x80-\xff]")
_ASCII_CONTROLS: Final = bytes({*range(0x20), 0x7F} - set(b"\t\n"))
_MARKS: Final = re.compile(r"[^\w\s\x00-\u02ff]{31,}")
_MAX_MARKS: Final = 30
"""Combining marks in a row, as Unicode's Stream-Safe Text Format (UAX 15) has it: sorting more is quadratic."""
_BEYOND_ASCII: Final = bytes(128) + b"\x01" * 128
_MANY_BEYOND_ASCII: Final = b"\x01" * 2 * (_MAX_MARKS + 1)
"""What more marks than these come to, and longer runs of other letters: each is two bytes or more in UTF-8."""


def decode(body: bytes, charset: str | None = None) -> str:
    """
    Return the text of the bytes, not yet settled.

    `charset` is what the producer declared: believed only where the bytes bear it out, ignored where unknown.
    In order: byte order mark, UTF-8, `charset`, the page's own declaration, a guess, cp1252.
    Raises Rejected (not_text) for what is no text in any encoding.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, errors="replace")
    for signature, name in _SIGNATURES:
        if body.startswith(signature):
            raise Rejected(Reason.NOT_TEXT, f"body is {name}, expected text")
    wide = _wide_encoding(body, charset)
    if wide is not None:
        return body.decode(wide, errors="replace")
    noise = len(_NOISE_BYTES.findall(body, 0, _SAMPLE))
    if noise > _MAX_NOISE * min(len(body), _SAMPLE):
        raise Rejected(Reason.NOT_TEXT, f"body is {noise} control bytes in {min(len(body), _SAMPLE)}, expected text")
    for encoding in _candidates(body, charset):
        text = _decoded(body, encoding)
        if text is not None:
            return text
    return body.decode("cp1252", errors="replace")


def settle(text: str) -> str:
    r"""
    Return the text as Unicode text should be: NFC, `\n` for every line end, nothing invisible but blanks and tabs.

    Control characters and lone surrogates go, so the result can be written as UTF-8. Idempotent.
    """
    return composed(text if is_plain(text) else writable(text))


def is_plain(text: str) -> bool:
    """Whether the text is printable but for tabs, newlines and no-break blanks: then it is text, and writable."""
    if text.isascii():
        return len(text.encode().translate(None, _ASCII_CONTROLS)) == len(text)
    # U+FFFD is printable, and yet a sign that a text was not decoded well.
    bare = text.replace("\n", "").replace("\t", "").replace("\u00a0", "")
    return bare.isprintable() and "\ufffd" not in bare


def composed(text: str) -> str:
    """Return a writable text in NFC."""
    if text.isascii():
        return text
    # The pattern takes as long as all else that is done here, and next to no text holds what it looks for.
    if _MANY_BEYOND_ASCII in text.encode().translate(_BEYOND_ASCII):
        text = _MARKS.sub(_few_marks, text)
    return unicodedata.normalize("NFC", text)


def writable(text: str) -> str:
    """Return the text with plain line ends and without control characters and surrogates, but not yet in NFC."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        # A pair of surrogates that came as two escapes becomes its character; a lone one is dropped.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
        encoded = text.encode()
    if b"\r" in encoded:
        text = text.replace("\r\n", "\n")
        encoded = encoded.replace(b"\r\n", b"\n")
    return _CONTROLS.sub("", _LINE_ENDS.sub("\n", text)) if _is_unsettled(encoded) else text


def _is_unsettled(encoded: bytes) -> bool:
    """Whether UTF-8 may hold a character that `_LINE_ENDS` or `_CONTROLS` finds, or the one for what is unreadable."""
    if len(encoded.translate(None, _UNSETTLED_ASCII)) < len(encoded):
        return True
    return not encoded.isascii() and any(pattern.search(encoded) for pattern in _UNSETTLED_BEYOND)


def require_text(text: str) -> None:
    """Raise Rejected (not_text) for a decoded body that is mostly control characters or undecodable."""
    sample = text[:_SAMPLE]
    if not _is_unsettled(sample.encode("utf-8", "replace")):
        return
    noise = len(_NOISE.findall(sample))
    seen = len(sample)
    if noise > _MAX_NOISE * seen:
        raise Rejected(Reason.NOT_TEXT, f"body has {noise} control characters in {seen}, expected text")


def _wide_encoding(body: bytes, charset: str | None) -> str | None:
    """Return the UTF-16 that the bytes are in by their NULs: every second byte of Western text is one."""
    sample = body[:1024]
    half = len(sample) // 2
    if half == 0:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.4 and even < half * 0.1:
        return "utf-16-le"
    if even > half * 0.4 and odd < half * 0.1:
        return "utf-16-be"
    # Text in other scripts has few NULs; there the declaration is needed, and must hold to the last byte.
    declared = (charset or "").strip().lower().replace("_", "-")
    if declared.startswith("utf-16") and len(body) % 2 == 0:
        encoding = "utf-16-be" if declared.endswith("be") else "utf-16-le"
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            return None
        return encoding if not _NOISE.search(text, 0, _SAMPLE) else None
    return None


def _candidates(body: bytes, charset: str | None) -> Iterator[str]:
    # Text in another encoding is hardly ever valid UTF-8, so the bytes outweigh a declaration.
    # Pure ASCII is the exception: ISO-2022-JP is written in it, and needs its declaration.
    if not body.isascii():
        yield "utf-8"
    declarations = [charset]
    if found := _DECLARATION.search(body, 0, _DECLARED_WITHIN):
        declarations.append(found[1].decode("ascii", "ignore"))
    for declared in declarations:
        name = (declared or "").strip().lower()
        if name and name.replace("_", "-") not in _NOT_FOR_PAGES:
            yield _READ_AS.get(name, name)
    if body.isascii():
        yield "utf-8"
    elif guess := _guess(body):
        yield guess


def _decoded(body: bytes, encoding: str) -> str | None:
    """
    Return the text, or None where the encoding is unknown or does not fit.

    A few broken characters are forgiven (a page cut in the middle of one): one in five of those beyond ASCII.
    """
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        text = body.decode(encoding, errors="replace")
        broken = text.count("\ufffd")
        beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
        return text if broken * 5 <= beyond_ascii else None
    except (LookupError, ValueError):
        return None


def _guess(body: bytes) -> str | None:
    """Return charset-normalizer's guess from the bytes around the first one beyond ASCII."""
    first = _NON_ASCII.search(body)
    start = max(0, first.start() - _GUESS_SAMPLE // 8) if first else 0
    sample = body[start : start + _GUESS_SAMPLE]
    # Cut at a newline or blank, which are whole characters in every legacy encoding.
    end = max(sample.rfind(b"\n"), sample.rfind(b" "))
    best = from_bytes(sample[:end] if end > 0 else sample, cp_isolation=_LEGACY).best()
    return best.encoding if best else None


def _few_marks(run: re.Match[str]) -> str:
    kept: list[str] = []
    marks = 0
    for char in run[0]:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= _MAX_MARKS:
            kept.append(char)
    return "".join(kept)

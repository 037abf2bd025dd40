"""Bytes become the text that their author wrote, whatever was declared of them."""

import contextlib
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letters import Reason
from services.core.encoding import decode, is_plain, require_text, settle, writable
from services.core.rejections import Rejected

WESTERN = "Der Hafen von Malmö öffnete am Montag wieder – „nach langen Gesprächen“, hieß es. " * 4
CYRILLIC = "Порт снова открылся в понедельник после трёх дней переговоров между управлением и экипажами. " * 4
JAPANESE = "港湾当局と乗組員の三日間にわたる協議を経て、港は月曜日に再開した。" * 6
CHINESE = "经过三天的谈判，港口于星期一重新开放，两艘船因缺乏燃料而返航。" * 6
KOREAN = "사흘간의 협상 끝에 항구는 월요일에 다시 문을 열었다. " * 6


@pytest.mark.parametrize(
    ("text", "encoding", "charset"),
    [
        pytest.param(WESTERN, "utf-8", None, id="utf-8, not declared"),
        pytest.param(WESTERN, "utf-8", "iso-8859-1", id="utf-8, declared latin-1"),
        pytest.param(WESTERN, "utf-8", "ascii", id="utf-8, declared ascii"),
        pytest.param(WESTERN, "utf-8", "no-such-charset", id="unknown name"),
        pytest.param(WESTERN, "utf-8-sig", "cp1252", id="byte order mark of utf-8"),
        pytest.param(WESTERN, "utf-16", None, id="byte order mark of utf-16"),
        pytest.param(WESTERN, "utf-32", None, id="byte order mark of utf-32"),
        pytest.param(WESTERN, "utf-16-le", None, id="utf-16 by its nuls"),
        pytest.param(WESTERN, "utf-16-be", "utf-8", id="utf-16 big endian by its nuls"),
        pytest.param(CHINESE, "utf-16-le", "utf-16", id="utf-16 as declared"),
        pytest.param(WESTERN, "cp1252", None, id="cp1252, not declared"),
        pytest.param(WESTERN, "cp1252", "iso-8859-1", id="latin-1 means cp1252"),
        pytest.param(WESTERN, "cp1252", "utf-8", id="cp1252, declared utf-8"),
        pytest.param(CYRILLIC, "cp1251", "windows-1251", id="cp1251 as declared"),
        pytest.param(CYRILLIC, "cp1251", None, id="cp1251 by guessing"),
        pytest.param(CYRILLIC, "koi8-r", None, id="koi8-r by guessing"),
        pytest.param(JAPANESE, "cp932", "Shift_JIS", id="shift_jis as declared"),
        pytest.param(JAPANESE, "cp932", None, id="shift_jis by guessing"),
        pytest.param(JAPANESE, "euc-jp", "EUC-JP", id="euc-jp as declared"),
        pytest.param(JAPANESE, "iso-2022-jp", "iso-2022-jp", id="iso-2022-jp is ascii and needs its declaration"),
        pytest.param(CHINESE, "gb18030", "gb2312", id="gb2312 means gb18030"),
        pytest.param(KOREAN, "cp949", "euc-kr", id="euc-kr means cp949"),
        pytest.param("Plain text.", "ascii", None, id="ascii"),
        pytest.param("Plain text.", "ascii", "punycode", id="a python codec that no page is in"),
        pytest.param("Plain text.", "ascii", "hex", id="a python codec that is no text encoding"),
    ],
)
def test_the_text_comes_back(text: str, encoding: str, charset: str | None) -> None:
    assert decode(text.encode(encoding), charset) == text


@pytest.mark.parametrize(
    "head",
    [
        '<html><head><meta charset="windows-1251">',
        "<html><head><meta http-equiv='Content-Type' content='text/html; charset=windows-1251'>",
        '<?xml version="1.0" encoding="windows-1251"?><html><head>',
    ],
)
def test_a_page_declares_its_own_encoding(head: str) -> None:
    page = f"{head}<p>{CYRILLIC[:80]}</p>"
    assert decode(page.encode("cp1251")) == page


def test_utf8_cut_in_the_middle_of_a_character_is_still_utf8() -> None:
    body = WESTERN.encode()
    cut = body[: body.rindex("ß".encode()) + 1]
    assert decode(cut).startswith(WESTERN[:200])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        pytest.param(b"%PDF-1.7\n1 0 obj", "PDF", id="pdf"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG", id="jpeg"),
        pytest.param(b"PK\x03\x04\x14\x00", "zip", id="zip"),
        pytest.param(b"\x1f\x8b\x08\x00abc", "gzip", id="gzip"),
        pytest.param(b"\x00" * 50, "control bytes", id="nuls"),
        pytest.param(bytes(range(256)) * 20, "control bytes", id="every byte"),
    ],
)
def test_what_is_no_text_is_rejected(body: bytes, told: str) -> None:
    with pytest.raises(Rejected, match=told) as rejection:
        decode(body)
    assert rejection.value.reason is Reason.NOT_TEXT


@pytest.mark.parametrize("text", ["\x01\x02\x03\x04 abc", "\ufffd\ufffd\ufffd picture", "\x00"])
def test_decoded_text_full_of_control_characters_is_rejected(text: str) -> None:
    with pytest.raises(Rejected) as rejection:
        require_text(text)
    assert rejection.value.reason is Reason.NOT_TEXT


@pytest.mark.parametrize(
    ("raw", "settled"),
    [
        pytest.param("a\r\nb\rc\x85d\u2028e", "a\nb\nc\nd\ne", id="line ends"),
        pytest.param("por\x00t\x07\x9f", "port", id="control characters"),
        pytest.param("hind\u00ads\ufeffight\u200b", "hindsight", id="invisible characters"),
        pytest.param("a\tb", "a\tb", id="a tab is text"),
        pytest.param("\ud800port\udc00", "port", id="lone surrogates"),
        pytest.param("\ud83d\ude00", "\U0001f600", id="a pair that came as two escapes"),
        pytest.param("Malmo\u0308", "Malmö", id="nfc"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="a persian half-space is text"),
    ],
)
def test_characters_are_settled(raw: str, settled: str) -> None:
    assert settle(raw) == settled


any_text = st.text(st.characters(exclude_categories=()), max_size=200)


@given(any_text)
def test_settling_twice_is_settling_once_and_can_be_written(text: str) -> None:
    settled = settle(text)
    assert settle(settled) == settled
    assert unicodedata.is_normalized("NFC", settled)
    assert settled.encode().decode() == settled


@given(any_text)
def test_a_plain_text_is_text_and_writable_as_it_is(text: str) -> None:
    if is_plain(text):
        require_text(text)
        assert writable(text) == text


@given(st.binary(max_size=300), st.none() | st.text(max_size=20) | st.sampled_from(["gbk", "utf-16", "utf-7", "idna"]))
@settings(max_examples=100)
def test_any_bytes_are_text_or_rejected(body: bytes, charset: str | None) -> None:
    with contextlib.suppress(Rejected):
        assert decode(body, charset) is not None


@given(st.text(min_size=1, max_size=200))
def test_utf8_is_never_taken_for_something_else(text: str) -> None:
    body = f"é{settle(text)}".encode()
    with contextlib.suppress(Rejected):
        assert decode(body) == body.decode()


def test_a_pile_of_combining_marks_takes_no_time_and_is_cut() -> None:
    started = time.perf_counter()
    settled = settle("a" + "\u0301\u0327" * 200_000)
    assert time.perf_counter() - started < 5
    assert len(settled) <= 31

"""A dateline is known by its agency, its date or its capitals; a sentence is left alone."""

import pytest

from schemas.documents import Dateline
from services.core.dateline import split_dateline, take_dateline


@pytest.mark.parametrize(
    ("opening", "place", "agency"),
    [
        ("Washington (CNN)", "Washington", "CNN"),
        ("Washington (CNN) -- ", "Washington", "CNN"),
        ("LONDON (Reuters) - ", "LONDON", "Reuters"),
        ("PARIS (AFP) — ", "PARIS", "AFP"),
        ("Berlin (dpa) - ", "Berlin", "dpa"),
        ("WASHINGTON, Feb 3 (Reuters) - ", "WASHINGTON", "Reuters"),
        ("BOGOTA, 9 JAN 90 (EFE) -- ", "BOGOTA", "EFE"),
        ("Madrid, 4 feb (EFE).- ", "Madrid", "EFE"),
        ("TOKYO, Feb. 4, 2016 (Kyodo) — ", "TOKYO", "Kyodo"),
        ("NEW YORK/LONDON (Reuters) - ", "NEW YORK/LONDON", "Reuters"),
        ("PORT-AU-PRINCE, Haiti (AP) _ ", "PORT-AU-PRINCE, Haiti", "AP"),
        ("Rio de Janeiro (AP) — ", "Rio de Janeiro", "AP"),
        ("NIAMEY, Niger (NWA)", "NIAMEY, Niger", "NWA"),
        ("DAPAONG, Togo (NWA) -- ", "DAPAONG, Togo", "NWA"),
        ("CUSCO, Perú (ADN-Sur).- ", "CUSCO, Perú", "ADN-Sur"),
        ("Graz (MEP) – ", "Graz", "MEP"),
        ("Graz (MEP)- ", "Graz", "MEP"),
        ("The Hague (MEP) — ", "The Hague", "MEP"),
        ("BOGOTA, 9 JAN 90 (RADIO NORTE) -- [TEXT] ", "BOGOTA", "RADIO NORTE"),
        ("LIMA, 9 JAN 90 (EFE) -- [EXCERPTS] [text] ", "LIMA", "EFE"),
        ("MOSUL, Iraq — ", "MOSUL, Iraq", None),
        ("BUFFALO, N.Y. — ", "BUFFALO, N.Y.", None),
        ("BAGHDAD - ", "BAGHDAD", None),
        ("LONDON, March 26 - ", "LONDON", None),
        ("МОСКВА — ", "МОСКВА", None),
        ("(CNN)", None, "CNN"),
        ("(Reuters) - ", None, "Reuters"),
    ],
)
def test_a_dateline_is_split_off(opening: str, place: str | None, agency: str | None) -> None:
    assert split_dateline(f"{opening}The port reopened.") == (
        Dateline(place=place, agency=agency),
        "The port reopened.",
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "Barack Obama (born 1961) was president.",
        "Paris Saint-Germain (PSG) won the cup.",
        "Harbour Board (HB) - The port reopened.",
        "Robert Thomson (Reuters) said so.",
        "The UN (WHO) – Geneva and New York agreed.",
        "GENEVA (WHO) The port reopened.",
        "World Health Organization (WHO)The port reopened.",
        "Apple (AAPL) - The company rose.",
        "Roger Federer (SUI) - Rafael Nadal (ESP) 6-4",
        "Bank of the Far North (XYZ) - The port reopened.",
        "The port - closed since Friday - reopened.",
        "ISIS - also known by other names - was named.",
        "BREAKING - The port reopened.",
        "Apple — the company, not the fruit — rose.",
        "THE CREWS -- SOME 400 MEN -- LEFT.",
        "CREWS AND BOARD -- SOME 400 MEN -- AGREED.",
        "He told (CNN) The port was open.",
        "PORT-AU-PRINCE is calm.",
        "LONDON (Reuters) - ",
        "LONDON — ",
        "",
    ],
)
def test_a_sentence_is_no_dateline(sentence: str) -> None:
    assert split_dateline(sentence) == (None, sentence)


def test_a_mark_with_nothing_behind_it_stays() -> None:
    assert split_dateline("BOGOTA, 9 JAN 90 (EFE) -- [TEXT]")[1] == "[TEXT]"


def test_a_dateline_behind_a_standfirst_is_found() -> None:
    paragraphs = ["Crews and board agree", "OSLO (Reuters) - The port reopened.", "Ships left."]
    expected = ["Crews and board agree", "The port reopened.", "Ships left."]
    assert take_dateline(paragraphs, within=2) == (Dateline(place="OSLO", agency="Reuters"), expected)
    assert take_dateline(paragraphs, within=1) == (None, paragraphs)

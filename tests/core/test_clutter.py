"""A line is clutter by its own words, in the languages of the news; a sentence that begins so is not."""

import pytest

from schemas.documents import RemovedReason
from services.core.clutter import clutter, is_pointer, is_sign_off


@pytest.mark.parametrize(
    "label",
    [
        *(
            "Most read",
            "Read more",
            "ALSO READ",
            "Read also",
            "More on this story",
            "Related stories",
            "Editor’s picks",
        ),
        *("Lire aussi", "À lire également", "Sur le même sujet", "LEA TAMBIÉN", "Te puede interesar", "Lo más leído"),
        *("Leia também", "Mais lidas", "Leggi anche", "I più letti", "Lesen Sie auch", "Mehr zum Thema", "Lees ook"),
        *("Czytaj też", "Читайте также", "Читайте також", "İlgili haberler".replace("İ", "I"), "اقرأ أيضا"),
    ],
)
def test_a_pointer_leads_to_other_stories_below_or_on_its_line(label: str) -> None:
    assert is_pointer(label)
    assert is_pointer(f"» {label} :")
    assert not is_pointer(f"{label}: Ten ships in a storm")
    assert clutter(f"{label}: Ten ships in a storm") is RemovedReason.PROMOTION
    assert clutter(f"{label} | Ten ships in a storm") is RemovedReason.PROMOTION
    assert clutter(f"{label} ten ships came through the storm.") is None


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        pytest.param("- Additional reporting by NWA Athens", RemovedReason.CREDIT, id="a dash before a credit"),
        pytest.param("Copyright API 2023. Tous droits réservés.", RemovedReason.CREDIT, id="rights in french"),
        pytest.param("Harbour News GmbH, alle Rechte vorbehalten", RemovedReason.CREDIT, id="rights in german"),
        pytest.param("All rights reserved.", RemovedReason.CREDIT, id="rights alone"),
        pytest.param("Harbour News. TOUS DROITS RESERVES", RemovedReason.CREDIT, id="rights in capitals"),
        pytest.param("Harbour News. Todos los derechos reservados.", RemovedReason.CREDIT, id="rights in spanish"),
        pytest.param("Harbour News, todos os direitos reservados", RemovedReason.CREDIT, id="rights in portuguese"),
        pytest.param("Harbour News - Tutti i diritti sono riservati", RemovedReason.CREDIT, id="rights in italian"),
        pytest.param("Harbour News. Alle rechten voorbehouden.", RemovedReason.CREDIT, id="rights in dutch"),
        pytest.param("Harbour News. Wszelkie prawa zastrzeżone", RemovedReason.CREDIT, id="rights in polish"),
        pytest.param("Jane Doe contributed to this story.", RemovedReason.CREDIT, id="a contributor"),
        pytest.param(
            "Jane Doe in Tripoli contributed reporting to this article.)", RemovedReason.CREDIT, id="the longest"
        ),
        pytest.param("Jane Doe contributed to this story of the harbour.", None, id="no contributor"),
        pytest.param("Ships at the pier (Photo: Jane Doe)", RemovedReason.CAPTION, id="a credit in brackets"),
        pytest.param("Ships at the pier. REUTERS/Jane Doe", RemovedReason.CAPTION, id="a credit behind a slash"),
        pytest.param("Duration (02:31)", RemovedReason.RUNNING_TIME, id="a running time"),
        pytest.param("harbour talks_0214", RemovedReason.SLUG, id="a slug of words"),
        pytest.param("harbour-talks.mp4", RemovedReason.SLUG, id="the name of a file"),
        pytest.param(
            "Enjoying this story? Subscribe to Harbour News and get a tide table.",
            RemovedReason.PROMOTION,
            id="a box that asks for a subscription",
        ),
        pytest.param("Copyright law of 1998 protects no tide table.", None, id="a sentence about copyright"),
        pytest.param("Enjoying this part of the coast? Many do.", None, id="a question in the text"),
        pytest.param("x" * 401, None, id="too long to be clutter alone"),
    ],
)
def test_clutter(block: str, reason: RemovedReason | None) -> None:
    assert clutter(block) is reason


@pytest.mark.parametrize(
    "block",
    ["-30-", "– 30 –", "ENDS", "- ends -", "(Schluss)", "(Schluss) MEP/hk/lw", "MEP/hk", "REUTER", "(dpa)", "FIN."],
)
def test_what_marks_the_end(block: str) -> None:
    assert is_sign_off(block)


@pytest.mark.parametrize("block", ["30", "The end of it", "Yes.", "Reuters reported it", "A/B", "He ends here."])
def test_what_does_not_mark_the_end(block: str) -> None:
    assert not is_sign_off(block)

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core import language
from services.core.language import UNDETERMINED, identify

ENGLISH = "The chairman told reporters that no decision had been taken on further military action."
NORWEGIAN = (
    "Statsministeren sier at regjeringen ikke har tatt stilling til saken ennå. Hun mener at noen må gjøre jobben, "
    "og at kommunene får vite mer når budsjettet blir lagt frem til høsten."
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(ENGLISH, "en", id="English"),
        pytest.param(ENGLISH.upper(), "en", id="capitals only"),
        pytest.param(ENGLISH.replace(" ", "\n"), "en", id="line breaks everywhere"),
        pytest.param("Der Minister sagte, die Regierung habe noch keine Entscheidung getroffen.", "de", id="German"),
        pytest.param("Le ministre a déclaré que le gouvernement n'avait pris aucune décision.", "fr", id="French"),
        pytest.param("Министр заявил, что правительство ещё не приняло решения.", "ru", id="Russian"),
        pytest.param("قال الوزير إن الحكومة لم تتخذ أي قرار بعد بشأن العملية العسكرية", "ar", id="Arabic"),
        pytest.param("部长告诉记者，政府尚未就军事行动作出任何决定。", "zh", id="Chinese"),
        pytest.param(NORWEGIAN, "nb", id="the model says no, BCP 47 says bokmål"),
    ],
)
def test_a_plain_text_is_identified(text: str, code: str) -> None:
    found, confidence = identify(text, None)
    assert found == code
    assert confidence > 0.5


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("", None, id="withdrawn"),
        pytest.param("Tripoli", "en", id="one name, whatever the hint"),
        pytest.param("12.5 34.7 11,900 -- 02:31 ++ 77 %% 1986/87", None, id="figures"),
    ],
)
def test_it_says_when_it_is_unsure(text: str, hint: str | None) -> None:
    assert identify(text, hint) == (UNDETERMINED, 0.0)


@pytest.mark.parametrize(
    ("guesses", "hint", "code"),
    [
        pytest.param([("hr", 0.5), ("sr-Latn", 0.4)], "sr-RS", "sr-Latn", id="a close call goes to the hint"),
        pytest.param([("hr", 0.5), ("sr-Latn", 0.4)], None, "hr", id="without a hint the first one stays"),
        pytest.param([("en", 0.9), ("de", 0.05)], "de", "en", id="a clear text stands against its hint"),
        pytest.param([("en", 0.5), ("de", 0.4)], "fr", "en", id="a hint cannot bring in a third language"),
        pytest.param([("hr", 0.3), ("bs", 0.25)], "bs", "bs", id="two halves of one doubt make a sure answer"),
        pytest.param([("hr", 0.3), ("bs", 0.25)], None, UNDETERMINED, id="unsure"),
        pytest.param([("nb", 0.5), ("da", 0.4)], "no", "nb", id="no in a hint means bokmål"),
        pytest.param([], "en", UNDETERMINED, id="the model has no answer"),
    ],
)
def test_a_hint(guesses: list[tuple[str, float]], hint: str | None, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_guesses", lambda _: guesses)
    assert identify(ENGLISH, hint)[0] == code


def test_the_network_is_never_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("the model was looked for on the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    language._detector.cache_clear()
    assert identify(ENGLISH, None)[0] == "en"


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters()), st.none() | st.text())
def test_every_text_has_an_answer(text: str, hint: str | None) -> None:
    code, confidence = identify(text, hint)
    assert code
    assert 0 <= confidence <= 1
    assert (code == UNDETERMINED) == (confidence == 0)


def test_a_lone_surrogate_is_read_over() -> None:
    assert identify(ENGLISH + "\ud800", None)[0] == "en"

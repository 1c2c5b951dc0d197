"""The words: each code has them in both languages, and they speak as the pages do."""

import re
from pathlib import Path

import pytest

from control.scheduling.obstacles import WORDS, Code, Text, Wording

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/scheduling.md"

SPOKEN = [
    pytest.param(code, text, id=f"{code}-{kind}")
    for code, wording in WORDS.items()
    for kind, text in (("reason", wording.reason), ("mend", wording.mend))
    if text is not None
]


def test_every_code_has_its_words_and_every_reason_is_its_own() -> None:
    assert set(WORDS) == set(Code)
    for language in ("nb", "en"):
        reasons = [getattr(wording.reason, language) for wording in WORDS.values()]
        assert len(set(reasons)) == len(Code)


@pytest.mark.parametrize(("code", "text"), SPOKEN)
def test_sentences_are_short_and_plain(code: Code, text: Text) -> None:
    assert text.nb != text.en
    for words in (text.nb, text.en):
        assert words[0].isupper()
        assert words.endswith(".")
        for sentence in re.split(r"(?<=[.?!]) ", words):
            assert 2 <= len(sentence.split()) <= 15, sentence
        assert not re.search(r"\b(slot_|acr|token|grant|ID|API|error|feil|ugyldig|invalid)\b", words)
        assert code not in words


@pytest.mark.parametrize("wording", WORDS.values(), ids=list(WORDS))
def test_members_for_limits_have_the_names_of_the_interface(wording: Wording) -> None:
    assert wording.limit in {None, "opens_at", "closed_at", "acr", "age_from", "age_to", "max_open"}


def test_the_document_lists_every_code_as_it_is() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    expected = []
    for code, wording in WORDS.items():
        mend, limit = wording.mend.en if wording.mend else "", f"`{wording.limit}`" if wording.limit else ""
        expected.append(f"| `{code}` | {wording.reason.en} | {mend} | {limit} |")
    assert rows == expected

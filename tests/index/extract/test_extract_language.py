"""The language of a text: stated, or clear from its letters, or unknown."""

import pytest

from index.extract import extract_all
from index.extract.language import language_of, primary_language

TEXTS = {
    "en": "Residents may park within their zone for as long as they hold a valid permit.",
    "de": "Anwohner dürfen in ihrer Zone parken, solange sie einen gültigen Ausweis haben.",
    "fr": "Les résidents peuvent stationner dans leur zone aussi longtemps que leur permis vaut.",
    "es": "Los residentes pueden aparcar en su zona mientras tengan un permiso válido.",
    "pl": "Mieszkańcy mogą parkować w swojej strefie tak długo, jak długo mają ważne zezwolenie.",
    "ru": "Жители могут парковаться в своей зоне, пока у них есть действующее разрешение города.",
    "ja": "住民は、市が発行した有効な許可証を持っている限り、自分の区域に駐車することができます。"
    * 2,
}


@pytest.mark.parametrize("language", TEXTS)
def test_the_language_of_a_sentence_is_found(language: str) -> None:
    assert language_of(TEXTS[language]) == language


@pytest.mark.parametrize(
    "text", ["", "Hello there.", "1234 5678 | 90.5 | 12 %\n" * 40, "x" * 200, "A1 B2 C3 D4 " * 3]
)
def test_what_is_not_clear_is_unknown(text: str) -> None:
    assert language_of(text) is None


def test_only_a_sample_is_looked_at() -> None:
    assert language_of(TEXTS["en"] * 100_000) == "en"


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("en-GB", "en"),
        ("DE", "de"),
        ("zh_Hans_CN", "zh"),
        ("eng", "eng"),
        ("English", None),
        ("", None),
    ],
)
def test_the_language_of_a_tag(tag: str, language: str | None) -> None:
    assert primary_language(tag) == language


def test_a_stated_language_counts() -> None:
    page = f"<html lang='fr-CA'><p>{TEXTS['en']}</p></html>"
    (document,) = extract_all(page.encode(), uri="x", name="a.html").documents
    assert document.metadata["language"] == "fr"
    (document,) = extract_all(TEXTS["en"].encode(), uri="x", name="a.txt").documents
    assert document.metadata["language"] == "en"


def test_what_the_user_says_counts_most() -> None:
    found = extract_all(
        TEXTS["en"].encode(), uri="x", name="a.txt", metadata={"Language": "sco", "project": "P 1"}
    )
    assert found.documents[0].metadata == {"language": "sco", "project": "P 1"}

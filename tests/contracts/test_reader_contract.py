"""What every `Reader` does."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import MissingExtra, ModelError
from qa.evaluation.remembering import RememberingReader
from qa.hub import HubReader
from qa.reader import OnnxReader, Reader, Reading
from tests.fakes.word_reader import WordReader
from tests.paths import READER

pytestmark = pytest.mark.filterwarnings("default")

QUESTION = "How long is the Kestrel bridge?"
HOLDS_IT = "The Kestrel bridge is 412 metres long. It was opened by the mayor."
HOLDS_NOTHING = "Otters hold hands while they sleep, so that they do not drift apart."
ANSWER = "412"
FILLER = "Nothing of any interest happened on that day in the old harbour town. "
HOSTILE = [
    "",
    " \n\t ",
    "\U0001f469‍\U0001f469‍\U0001f467 met 412 \U0001d54fs",
    "e\u0301" * 50,
    "\x00\x01 nul 412",
    "[CLS] [SEP] 412 [PAD]",
    "x" * 5000,
    "漢字かな交じり文、412メートル。",
    "!" * 300,
]


@pytest.fixture(scope="module", params=["bundled", "fake"])
def trained(request: pytest.FixtureRequest) -> Reader:
    """Readers that know what an answer is."""
    return WordReader() if request.param == "fake" else request.getfixturevalue("reader")


@pytest.fixture(
    scope="module",
    params=["bundled", "fake", "remembering", pytest.param("hub", marks=pytest.mark.slow)],
)
def model(request: pytest.FixtureRequest) -> Reader:
    """All readers; the one behind the hub adapter has random weights."""
    if request.param == "fake":
        return WordReader()
    if request.param == "remembering":
        # So few that it forgets within a test.
        return RememberingReader(WordReader(), most=3)
    if request.param == "bundled":
        return request.getfixturevalue("reader")
    return HubReader(str(request.getfixturevalue("tiny_reader")))


@pytest.fixture(scope="module")
def tiny_reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small question-answering model in Hugging Face format, with random weights."""
    import torch
    from transformers import BertConfig, BertForQuestionAnswering, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-reader")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(READER / "tokenizer.json"),
        cls_token="[CLS]",  # noqa: S106 - these tokens are no secrets
        sep_token="[SEP]",  # noqa: S106
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
        mask_token="[MASK]",  # noqa: S106
        # The window that a folder made by `index.export` has, so that both cut alike.
        model_max_length=256,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(11)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        initializer_range=0.2,
    )
    BertForQuestionAnswering(config).save_pretrained(folder)
    return folder


def assert_well_formed(readings: list[Reading], texts: list[str]) -> None:
    assert len(readings) == len(texts)
    for reading, text in zip(readings, texts, strict=True):
        assert all(0 <= span.start < span.end <= len(text) for span in reading.spans)
        scores = [span.score for span in reading.spans]
        assert scores == sorted(scores, reverse=True)
        assert np.isfinite(scores).all()
        assert 0 <= reading.answerability <= 1


def answer(reading: Reading, text: str) -> str:
    return text[reading.spans[0].start : reading.spans[0].end]


def test_no_texts_give_no_readings(model: Reader) -> None:
    assert model.read(QUESTION, []) == []


def test_there_is_one_reading_a_text_in_order(model: Reader) -> None:
    texts = [HOLDS_NOTHING, HOLDS_IT, "A bridge.", HOLDS_IT + " " + HOLDS_NOTHING]
    readings = model.read(QUESTION, texts)
    assert_well_formed(readings, texts)
    for reading, text in zip(readings, texts, strict=True):
        (alone,) = model.read(QUESTION, [text])
        assert [(s.start, s.end) for s in alone.spans[:3]] == [
            (s.start, s.end) for s in reading.spans[:3]
        ]
        assert alone.score == pytest.approx(reading.score, abs=1e-3)


def test_a_text_without_a_word_has_no_span(model: Reader) -> None:
    for reading in model.read(QUESTION, ["", " \n\t "]):
        assert reading.spans == ()
        assert reading.answerability == 0


def test_any_text_can_be_read(model: Reader) -> None:
    assert_well_formed(model.read(QUESTION, HOSTILE), HOSTILE)


@pytest.mark.parametrize("question", [*HOSTILE, "?", "why " * 3000])
def test_any_question_can_be_asked(model: Reader, question: str) -> None:
    texts = [HOLDS_IT, "", HOLDS_NOTHING]
    assert_well_formed(model.read(question, texts), texts)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(question=st.text(max_size=60), texts=st.lists(st.text(max_size=60), max_size=3))
def test_spans_are_slices_of_their_text_best_first(
    model: Reader, question: str, texts: list[str]
) -> None:
    assert_well_formed(model.read(question, texts), texts)


def test_the_same_question_and_text_give_the_same_reading(model: Reader) -> None:
    assert model.read(QUESTION, [HOLDS_IT]) == model.read(QUESTION, [HOLDS_IT])


def test_a_text_with_the_answer_outranks_one_without(trained: Reader) -> None:
    without, holding = trained.read(QUESTION, [HOLDS_NOTHING, HOLDS_IT])
    assert holding.score > without.score + 1
    assert holding.answerability > without.answerability
    assert ANSWER in answer(holding, HOLDS_IT)


def test_the_end_of_a_question_counts_however_much_stands_before_it(trained: Reader) -> None:
    question = FILLER * 240 + QUESTION
    assert len(question.split()) > 3000
    without, holding = trained.read(question, [HOLDS_NOTHING, HOLDS_IT])
    assert holding.score > without.score
    assert ANSWER in answer(holding, HOLDS_IT)


@pytest.mark.slow
@pytest.mark.parametrize("words", [1_950, pytest.param(19_500, marks=pytest.mark.slow)])
def test_an_answer_near_the_end_of_a_very_long_text_is_found(trained: Reader, words: int) -> None:
    before = FILLER * (words // 13)
    text = before + HOLDS_IT + " " + FILLER * 3
    assert len(text.split()) > words
    (reading,) = trained.read(QUESTION, [text])
    assert_well_formed([reading], [text])
    assert reading.spans[0].start >= len(before)
    assert ANSWER in answer(reading, text)


def test_a_reader_has_a_name_and_a_calibration(model: Reader) -> None:
    assert model.name
    assert model.calibration.confidence(1000) > 0.5 > model.calibration.confidence(-1000)


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="transformers, torch is not installed") as caught:
        HubReader("any/model")
    assert "pip install 'pincite[hub]'" in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nobody/no-such-reader", "/no/such/folder"])
def test_a_model_that_is_not_here_is_an_error_that_says_what_to_do(name: str) -> None:
    with pytest.raises(ModelError) as caught:
        HubReader(name)
    message = str(caught.value)
    assert message.startswith(f"{name}: no such reader on this machine")
    assert f"hf download {name}" in message
    assert "\n" not in message


@pytest.fixture(scope="module")
def exported(tiny_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from index.export import export

    out = tmp_path_factory.mktemp("exported")
    export("reader", str(tiny_reader), out, name="tiny", licence="Apache-2.0", settings={})
    return out


@pytest.mark.slow
def test_an_exported_reader_reads_as_the_one_it_was_made_from(
    tiny_reader: Path, exported: Path
) -> None:
    full, small = HubReader(str(tiny_reader)), OnnxReader(exported)
    texts = [HOLDS_IT, HOLDS_NOTHING, FILLER * 40 + HOLDS_IT, "A bridge.", *HOSTILE]
    questions = [QUESTION, "Who opened the bridge?", "What do otters do while they sleep?"]
    pairs = [
        (ours, theirs)
        for question in questions
        for ours, theirs in zip(
            small.read(question, texts), full.read(question, texts), strict=True
        )
    ]
    for ours, theirs in pairs:
        assert bool(ours.spans) == bool(theirs.spans)
    scores = np.array([(ours.score, theirs.score) for ours, theirs in pairs if ours.spans])
    error = np.abs(scores[:, 0] - scores[:, 1])
    spread = np.ptp(scores[:, 1])
    print(
        f"scores differ by {error.mean():.3f} on average, {error.max():.3f} at most; {spread:.2f}"
    )
    assert error.mean() < 0.1 * spread
    assert error.max() < 0.3 * spread
    # The random weights tell spans hardly apart, so the best of one is among the best of the other.
    for ours, theirs in pairs:
        if ours.spans:
            best = (ours.spans[0].start, ours.spans[0].end)
            assert best in [(span.start, span.end) for span in theirs.spans]


@pytest.mark.slow
def test_an_exported_folder_says_what_it_holds(tiny_reader: Path, exported: Path) -> None:
    manifest = json.loads((exported / "model.json").read_text())
    assert (manifest["name"], manifest["kind"], manifest["licence"]) == (
        "tiny",
        "reader",
        "Apache-2.0",
    )
    assert manifest["revision"].startswith("sha256:")
    assert sorted(manifest["files"]) == ["model.onnx", "tokenizer.json"]


@pytest.mark.slow
def test_an_embedder_is_not_exported_as_a_reader_of_something_missing(tmp_path: Path) -> None:
    from index.export import export

    with pytest.raises(ModelError, match="is not a reader in Hugging Face format"):
        export("reader", str(tmp_path), tmp_path / "out", name="x", licence="x", settings={})

"""Readers of the Hugging Face kind: tiny ones with random weights, made here."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qa.hub import HubReader

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

TEXTS = ["the bell was cast in 1721", "", "it rings at noon " * 100, "the bell"]
QUESTION = "when was the bell cast"
WORDS = sorted({word for text in [*TEXTS, QUESTION] for word in text.split()})


def tiny_reader(
    folder: Path, *, dtype: str = "float32", words_hold_a_space: bool = False, window: int = 256
) -> Path:
    """A BERT of 16 dimensions; its words begin with the space before them if so wanted."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    mark = "▁" if words_hold_a_space else ""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(mark + word for word in WORDS)]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, tokens[1]))
    tokenizer.pre_tokenizer = (
        pre_tokenizers.Metaspace() if words_hold_a_space else pre_tokenizers.Whitespace()
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=window,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")},
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(tokens),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=256,
        initializer_range=1.0,
    )
    model = transformers.BertForQuestionAnswering(config).half().to(getattr(torch, dtype))
    model.save_pretrained(folder)
    return folder


def test_there_is_one_reading_a_text_and_its_spans_lie_in_it(tmp_path: Path) -> None:
    readings = HubReader(str(tiny_reader(tmp_path))).read(QUESTION, TEXTS)
    assert len(readings) == len(TEXTS)
    assert [bool(reading.spans) for reading in readings] == [True, False, True, True]
    for text, reading in zip(TEXTS, readings, strict=True):
        assert all(0 <= span.start < span.end <= len(text) for span in reading.spans)


def test_weights_stored_in_half_precision_are_run_in_full(tmp_path: Path) -> None:
    half = HubReader(str(tiny_reader(tmp_path / "half", dtype="float16")))
    full = HubReader(str(tiny_reader(tmp_path / "full", dtype="float32")))
    assert half.read(QUESTION, TEXTS) == full.read(QUESTION, TEXTS)


def test_a_quote_has_no_space_at_its_ends_though_the_tokens_have(tmp_path: Path) -> None:
    reader = HubReader(str(tiny_reader(tmp_path, words_hold_a_space=True)))
    for text, reading in zip(TEXTS, reader.read(QUESTION, TEXTS), strict=True):
        quotes = [text[span.start : span.end] for span in reading.spans]
        assert quotes == [quote.strip() for quote in quotes]
        assert all(quotes)


def test_a_model_of_small_windows_reads_texts_of_any_length(tmp_path: Path) -> None:
    reader = HubReader(str(tiny_reader(tmp_path, window=64)))
    for question in (QUESTION, QUESTION * 40):
        readings = reader.read(question, TEXTS)
        assert [bool(reading.spans) for reading in readings] == [True, False, True, True]


def test_several_threads_may_read_at_once(tmp_path: Path) -> None:
    reader = HubReader(str(tiny_reader(tmp_path, window=64)))
    questions = [QUESTION, QUESTION * 40, "bell", QUESTION * 200] * 10
    alone = {question: reader.read(question, TEXTS) for question in set(questions)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda question: reader.read(question, TEXTS), questions))
    assert found == [alone[question] for question in questions]

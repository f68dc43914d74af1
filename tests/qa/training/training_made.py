"""Labelled questions and a tiny base to train, made here."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from index.passages import Tokenize
from qa.evaluation.labelled import LabelledQuestion
from qa.training.sets import Source, TrainingSet

_WORD = re.compile(r"\w+|[^\w\s]")

TOWNS = ("Bern", "Wien", "Oslo", "Rom", "Riga", "Prag", "Kiew", "Bonn")
CONTEXT = "the bell of {town} was cast in {year} . it rings at noon . a mason made the tower ."


def tokenize(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """A token a word or mark."""
    return [[match.span() for match in _WORD.finditer(text)] for text in texts]


words: Tokenize = tokenize


def labelled(
    context: str, question: str, *answers: str, title: str = "", id_: str = "q"
) -> LabelledQuestion:
    """A question over a context; each answer at its first place there."""
    starts = tuple(context.index(answer) for answer in answers)
    return LabelledQuestion(id_, question, context, answers, "here", starts, title)


def bells(count: int) -> list[LabelledQuestion]:
    """Questions about bells, an article each; every fourth has no answer."""
    found = []
    for number in range(count):
        town, year = TOWNS[number % len(TOWNS)], str(1600 + number)
        answers = () if number % 4 == 3 else (year,)
        asked = f"when was the bell of {town} cast" if answers else "who rang the bell first"
        context = CONTEXT.format(town=town, year=year)
        found.append(labelled(context, asked, *answers, title=f"bell {number}", id_=f"q{number}"))
    return found


def training_set(questions: Sequence[LabelledQuestion], weight: float = 1.0) -> TrainingSet:
    """A set with nothing kept apart."""
    source = Source(Path("made.json"), weight)
    return TrainingSet(source, "0" * 64, tuple(questions), (), True, ())


def write_squad(path: Path, questions: Sequence[LabelledQuestion]) -> Path:
    """A file in SQuAD's form."""
    data: list[dict[str, Any]] = [
        {
            "title": one.title,
            "paragraphs": [
                {
                    "context": one.context,
                    "qas": [
                        {
                            "id": one.id,
                            "question": one.question,
                            "answers": [
                                {"text": text, "answer_start": start}
                                for text, start in zip(one.answers, one.starts, strict=True)
                            ],
                        }
                    ],
                }
            ],
        }
        for one in questions
    ]
    path.write_text(json.dumps({"version": "v2.0", "data": data}), encoding="utf-8")
    return path


def tiny_base(folder: Path) -> Path:
    """A BERT of one layer and 32 dimensions that knows the words of the bells."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    text = " ".join(one.context + " " + one.question for one in bells(64))
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(set(_WORD.findall(text)))]
    tokenizer = Tokenizer(models.WordLevel({one: at for at, one in enumerate(tokens)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=64,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep")},
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    transformers.BertForQuestionAnswering(config).save_pretrained(folder)
    return folder

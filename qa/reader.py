"""Reading a passage for an answer: the `Reader` port and the bundled adapter."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from tokenizers import Encoding, Tokenizer

from index.errors import ModelError
from index.onnx_model import MANIFEST, OnnxModel
from index.sentences import Range
from index.threads import Precedence
from qa.answers import Span
from qa.calibration import Calibration, understood
from qa.decoding import Floats, decode, merge

# A question may take up this share of a window; of a longer one the end is read, where the
# question itself stands when something is pasted before it.
QUESTION_SHARE = 0.5
_MOST_SHARED = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one text gave: spans, best first; none if the text has no word."""

    spans: tuple[Span, ...]

    def after(self, start: int) -> "Reading":
        """The reading of the text without its first `start` characters."""
        return Reading(
            tuple(
                Span(span.start - start, span.end - start, span.score)
                for span in self.spans
                if span.start >= start
            )
        )

    @property
    def score(self) -> float:
        """The score of the best span; minus infinity where there is none."""
        return self.spans[0].score if self.spans else -math.inf

    @property
    def answerability(self) -> float:
        """How likely the text holds an answer, from 0 to 1; it orders texts as `score` does."""
        return chance(self.score)


def shared_tokens(window: int) -> int:
    """How many tokens of a long text two windows of so many share."""
    return min(_MOST_SHARED, window // 4)


def ending(question: str, offsets: Callable[[str], Sequence[Range]], most: int) -> str:
    """The question, or as much of its end as has so many tokens at most.

    `offsets` gives the ranges of code points of a text's tokens.
    """
    found = offsets(question)
    while len(found) > most:
        # The rest of a word that is cut may have other tokens, and more of them, than it had there.
        question = question[max(1, found[-most][0]) :]
        found = offsets(question)
    return question


class Cutter:
    """Cuts questions with their texts into windows of so many tokens, the same for all readers.

    Several threads may use it: its tokenizers are its own, and their settings never change.
    """

    def __init__(self, tokenizer: Tokenizer, window: int) -> None:
        self._plain, self._cutting = (Tokenizer.from_str(tokenizer.to_str()) for _ in range(2))
        for one in (self._plain, self._cutting):
            one.no_truncation()
            one.no_padding()
        special = tokenizer.num_special_tokens_to_add(is_pair=True)
        self._question_tokens = int((window - special) * QUESTION_SHARE)
        self._cutting.enable_truncation(
            window, stride=shared_tokens(window), strategy="only_second"
        )

    def windows(self, pairs: Sequence[tuple[str, str]]) -> list[list[Encoding]]:
        """The windows of each question with its text, at least one, in order."""
        short = {
            question: ending(question, self._offsets, self._question_tokens)
            for question in {question for question, _ in pairs}
        }
        encodings = self._cutting.encode_batch(
            [(short[question], text) for question, text in pairs]
        )
        return [[encoding, *encoding.overflowing] for encoding in encodings]

    def _offsets(self, question: str) -> list[Range]:
        return self._plain.encode(question, add_special_tokens=False).offsets


def chance(score: float) -> float:
    """The probability of a span with this score, in logits, against "no answer"."""
    return 0.0 if score < -700 else 1 / (1 + math.exp(-score))


class Reader(Protocol):
    """Finds the stretches of texts that may answer a question."""

    @property
    def name(self) -> str:
        """Which model this is."""
        ...

    @property
    def checksum(self) -> str:
        """The SHA-256 of its weights, in hexadecimal."""
        ...

    @property
    def calibration(self) -> Calibration:
        """What this reader's scores are worth."""
        ...

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        """Read each text for the question: one reading a text, in order.

        Spans are ranges of code points in their text. With `begins`, none starts before the code
        point named there for its text: what stands above is read but not quoted. Scores compare
        across texts: they are not normalised within one. Questions and texts may be of any length.
        """
        ...


class OnnxReader:
    """A reader of ours: int8 weights on ONNX Runtime, no torch."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self._model = OnnxModel(folder, "reader", threads)
        manifest = self._model.manifest
        self._cutter = Cutter(self._model.tokenizer, manifest.window)
        self.name = manifest.name
        self.checksum = manifest.checksum
        try:
            self.calibration = understood(manifest.settings.get("calibration", {}))
        except ValueError as error:
            raise ModelError(
                f"{folder / MANIFEST}: has a calibration that cannot be understood ({error})"
            ) from error

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        """See `Reader.read`."""
        cut = self._cutter.windows([(question, text) for text in texts])
        windows = [(place, window) for place, found in enumerate(cut) for window in found]
        outputs = self._model.run([window for _, window in windows], Precedence.QUESTION)
        spans = [
            (place, _decode_window(window, starts, ends, 0 if begins is None else begins[place]))
            for (place, window), (starts, ends) in zip(windows, outputs, strict=True)
        ]
        return [
            Reading(tuple(merge([found for _, found in group])))
            for _, group in groupby(spans, key=lambda pair: pair[0])
        ]


def _decode_window(
    window: Encoding, start_logits: Floats, end_logits: Floats, begin: int
) -> list[Span]:
    is_text = [
        sequence == 1 and start >= begin
        for sequence, (start, _) in zip(window.sequence_ids, window.offsets, strict=True)
    ]
    return decode(start_logits, end_logits, window.offsets, is_text)

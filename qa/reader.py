"""Reading a passage for an answer: the `Reader` port and the bundled adapter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from tokenizers import Encoding

from index.errors import ModelError
from index.onnx_model import MANIFEST, OnnxModel
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
        tokenizer = self._model.tokenizer
        self._plain = type(tokenizer).from_str(tokenizer.to_str())
        special = tokenizer.num_special_tokens_to_add(is_pair=True)
        self._question_tokens = int((manifest.window - special) * QUESTION_SHARE)
        tokenizer.enable_truncation(
            manifest.window, stride=shared_tokens(manifest.window), strategy="only_second"
        )
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
        question = self._shortened(question)
        encodings = self._model.tokenizer.encode_batch([(question, text) for text in texts])
        windows = [
            (place, window)
            for place, encoding in enumerate(encodings)
            for window in (encoding, *encoding.overflowing)
        ]
        outputs = self._model.run([window for _, window in windows], Precedence.QUESTION)
        spans = [
            (place, _decode_window(window, starts, ends, 0 if begins is None else begins[place]))
            for (place, window), (starts, ends) in zip(windows, outputs, strict=True)
        ]
        return [
            Reading(tuple(merge([found for _, found in group])))
            for _, group in groupby(spans, key=lambda pair: pair[0])
        ]

    def _shortened(self, question: str) -> str:
        offsets = self._plain.encode(question, add_special_tokens=False).offsets
        if len(offsets) <= self._question_tokens:
            return question
        return question[offsets[-self._question_tokens][0] :]


def _decode_window(
    window: Encoding, start_logits: Floats, end_logits: Floats, begin: int
) -> list[Span]:
    is_text = [
        sequence == 1 and start >= begin
        for sequence, (start, _) in zip(window.sequence_ids, window.offsets, strict=True)
    ]
    return decode(start_logits, end_logits, window.offsets, is_text)

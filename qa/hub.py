"""Any Hugging Face question-answering model as a reader, through the `hub` extra."""

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby

from index.errors import ModelError
from index.hub import missing_model, require_hub, weights_checksum
from index.sentences import trimmed
from qa.calibration import Calibration
from qa.decoding import decode, merge
from qa.reader import QUESTION_SHARE, Reading, shared_tokens

_BATCH = 16
_LONGEST_WINDOW = 384


class HubReader:
    """An `AutoModelForQuestionAnswering`; its scores are not calibrated, so it abstains below 0."""

    def __init__(self, name: str) -> None:
        require_hub("transformers", "torch")
        import torch
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(name)
            # Weights stored in half precision would otherwise run in it, slowly on a CPU.
            self._model = AutoModelForQuestionAnswering.from_pretrained(
                name, dtype=torch.float32
            ).eval()
        except (OSError, ValueError) as error:
            raise missing_model(name, "reader", error) from error
        if not getattr(self._tokenizer, "is_fast", False):
            raise ModelError(
                f"{name}: has no fast tokenizer, which offsets need; use another model"
            )
        self.name = name
        self.calibration = Calibration()
        self._window = min(int(self._tokenizer.model_max_length), _LONGEST_WINDOW)

    @cached_property
    def checksum(self) -> str:
        """See `Reader.checksum`; reckoned when it is first asked for, since weights are large."""
        return weights_checksum(self._model.state_dict().items())

    def read(
        self, question: str, texts: Sequence[str], begins: Sequence[int] | None = None
    ) -> list[Reading]:
        """See `Reader.read`."""
        import torch

        if not texts:
            return []
        encoded = self._tokenizer(
            [self._shortened(question)] * len(texts),
            list(texts),
            truncation="only_second",
            max_length=self._window,
            stride=shared_tokens(self._window),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        sources = encoded.pop("overflow_to_sample_mapping")
        offsets = encoded.pop("offset_mapping")
        spans = []
        for first in range(0, len(sources), _BATCH):
            part = {name: rows[first : first + _BATCH] for name, rows in encoded.items()}
            batch = self._tokenizer.pad(part, return_tensors="pt")
            with torch.inference_mode():
                output = self._model(**batch)
            starts = output.start_logits.float().numpy()
            ends = output.end_logits.float().numpy()
            for row in range(len(starts)):
                place = first + row
                text = texts[sources[place]]
                # Some tokenizers count the space before a word as part of it.
                ranges = [
                    next(trimmed(text, start, end), (start, start)) for start, end in offsets[place]
                ]
                begin = 0 if begins is None else begins[sources[place]]
                is_text = [
                    sequence == 1 and start >= begin
                    for sequence, (start, _) in zip(
                        encoded.sequence_ids(place), offsets[place], strict=True
                    )
                ]
                null = encoded["input_ids"][place].index(self._tokenizer.cls_token_id)
                found = decode(
                    starts[row, : len(ranges)],
                    ends[row, : len(ranges)],
                    ranges,
                    is_text,
                    null_position=null,
                )
                spans.append((sources[place], found))
        return [
            Reading(tuple(merge([found for _, found in group])))
            for _, group in groupby(spans, key=lambda pair: pair[0])
        ]

    def _shortened(self, question: str) -> str:
        most = int(self._window * QUESTION_SHARE)
        offsets = self._tokenizer(
            question, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )["offset_mapping"]
        return question if len(offsets) <= most else question[offsets[-most][0] :]

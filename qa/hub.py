"""Any Hugging Face question-answering model as a reader, through the `hub` extra."""

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby

from index.errors import ModelError
from index.hub import missing_model, require_hub, weights_checksum
from index.sentences import trimmed
from qa.calibration import Calibration
from qa.decoding import decode, merge
from qa.reader import Cutter, Reading

_BATCH = 16
_LONGEST_WINDOW = 384

# How the parts of an encoding are called that models take by these names.
_PARTS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}


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
        self._cutter = Cutter(
            self._tokenizer.backend_tokenizer,
            min(int(self._tokenizer.model_max_length), _LONGEST_WINDOW),
        )

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
        cut = self._cutter.windows([(question, text) for text in texts])
        windows = [(place, window) for place, found in enumerate(cut) for window in found]
        spans = []
        for first in range(0, len(windows), _BATCH):
            part = windows[first : first + _BATCH]
            rows = {
                name: [getattr(window, _PARTS[name]) for _, window in part]
                for name in self._tokenizer.model_input_names
            }
            batch = self._tokenizer.pad(rows, return_tensors="pt")
            with torch.inference_mode():
                output = self._model(**batch)
            starts = output.start_logits.float().numpy()
            ends = output.end_logits.float().numpy()
            for row, (place, window) in enumerate(part):
                text = texts[place]
                # Some tokenizers count the space before a word as part of it.
                ranges = [
                    next(trimmed(text, start, end), (start, start)) for start, end in window.offsets
                ]
                begin = 0 if begins is None else begins[place]
                is_text = [
                    sequence == 1 and start >= begin
                    for sequence, (start, _) in zip(
                        window.sequence_ids, window.offsets, strict=True
                    )
                ]
                null = window.ids.index(self._tokenizer.cls_token_id)
                found = decode(
                    starts[row, : len(ranges)],
                    ends[row, : len(ranges)],
                    ranges,
                    is_text,
                    null_position=null,
                )
                spans.append((place, found))
        return [
            Reading(tuple(merge([found for _, found in group])))
            for _, group in groupby(spans, key=lambda pair: pair[0])
        ]

"""A question and its hits to spans, answers, confidence and citations; imports `index`."""

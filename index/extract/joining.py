"""Takes what one extractor made into the text another puts together."""

from index.extract.builder import Extracted, TextBuilder


def append(builder: TextBuilder, extracted: Extracted, below: int = 0) -> None:
    """Add a text with its headings, their levels lowered by `below`."""
    starts = [section.start for section in extracted.sections]
    builder.block(extracted.text[: starts[0] if starts else None])
    for section in extracted.sections:
        heading = section.path[-1]
        builder.heading(heading, len(section.path) + below)
        builder.block(extracted.text[section.start + len(heading) : section.end])

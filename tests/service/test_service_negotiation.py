"""What a client would rather have, by its `Accept` header."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.http.negotiation import chosen

OFFERED = ["application/json", "application/ld+json", "text/event-stream"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/ld+json", "application/ld+json"),
        ("Application/LD+JSON", "application/ld+json"),
        (
            'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"',
            "application/ld+json",
        ),
        ('application/ld+json;profile="a,b;q=0";q=0.5, */*;q=0.1', "application/ld+json"),
        ("text/event-stream", "text/event-stream"),
        ("text/*", "text/event-stream"),
        ("text/html, application/json;q=0.9, */*;q=0.8", "application/json"),
        ("application/json;q=0.5, application/ld+json;q=0.6", "application/ld+json"),
        ("application/json;q=0, */*", "application/ld+json"),
        ("*/*;q=0.1, application/json;q=0", "application/ld+json"),
        ("application/json ; q=1.0", "application/json"),
        ("text/html", None),
        ("text/html, image/*", None),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
        # What is no range says nothing.
        ("nonsense", "application/json"),
        (";;;, nonsense, application/ld+json", "application/ld+json"),
    ],
)
def test_the_form_is_chosen_that_is_preferred(accept: str, expected: str | None) -> None:
    assert chosen(accept, OFFERED) == expected


@given(st.text(max_size=60), st.sampled_from(OFFERED))
def test_whatever_is_sent_one_of_those_offered_is_chosen_or_none(accept: str, named: str) -> None:
    assert chosen(accept, OFFERED) in {*OFFERED, None}
    assert chosen(named, OFFERED) == named


@pytest.mark.parametrize("unit", ['a/b;c="', "a/b;q=", 'a/b;c="x";', "a/b ", ",,", "*/*,", "a" * 9])
def test_a_long_header_takes_no_long_time(unit: str) -> None:
    began = perf_counter()
    chosen(unit * (60_000 // len(unit)), OFFERED)
    assert perf_counter() - began < 2

"""Small documents of which each states facts of its own, and the questions that they answer."""

import random
from dataclasses import dataclass

_THINGS = ("harbour", "library", "bakery", "museum", "station", "orchard", "theatre", "workshop")
_FACTS = ("opening year", "number of rooms", "yearly cost", "number of windows", "height in feet")
_FILLING = (
    "The committee met twice in spring and took note of the report.",
    "Visitors are asked to keep to the paths and to close the gate.",
    "Repairs to the roof were put off until the weather improves.",
    "The keeper lives next door and has a spare set of keys.",
    "A map of the grounds hangs beside the entrance.",
)


@dataclass(frozen=True, slots=True)
class Paper:
    """A document; `questions` are answered by its sentences alone, since only it has its name."""

    uri: str
    title: str
    text: str
    questions: tuple[str, ...]


def paper(number: int) -> Paper:
    """The paper of this number: the same every time."""
    rng = random.Random(number)
    name = f"{rng.choice('BCDFGKLMNPRST')}{rng.choice('aeiou')}l{rng.choice('aeiou')}n {number}"
    thing = rng.choice(_THINGS)
    facts = rng.sample(_FACTS, 3)
    paragraphs = [
        f"The {fact} of the {thing} of {name} is {rng.randint(1000, 9999)}. {rng.choice(_FILLING)}"
        for fact in facts
    ]
    return Paper(
        f"load:{number}",
        f"The {thing} of {name}",
        "\n\n".join(paragraphs),
        tuple(f"What is the {fact} of the {thing} of {name}?" for fact in facts),
    )

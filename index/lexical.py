"""From a question to a full-text query: which of its words to look for."""

import re

# An underscore parts words as FTS5 sees them: quoted as one, they would be a phrase to it.
_WORD = re.compile(r"[^\W_]+")

# More distinct words than any question needs; a pasted page is cut here.
_MOST_WORDS = 64

# Words that ask or join; they stand in nearly every passage and only cost time.
_STOP_WORDS = frozenset(
    """
    a about after all also am an and any are as at be been before being between both but by can
    could did do does doing down during each for from further had has have having he her here
    hers him his how i if in into is it its itself just me more most my no nor of off on once
    only or other our out over own same she should so some such than that the their them then
    there these they this those through to too under until up very was we were what when where
    which while who whom whose why will with would you your
    """.split()  # noqa: SIM905
)


def content_words(question: str) -> list[str]:
    """The distinct words of a question that carry its content, lower case, in order.

    Where every word is a stop word, all of them: "Who are we?" still asks for something.
    """
    words = list(dict.fromkeys(word.lower() for word in _WORD.findall(question)))
    return [word for word in words if word not in _STOP_WORDS][:_MOST_WORDS] or words[:_MOST_WORDS]


def match_query(question: str) -> str:
    """An FTS5 query for passages that hold any of the question's words; "" if it has none.

    The words are quoted, so nothing in a question is ever read as query syntax.
    """
    return " OR ".join(f'"{word}"' for word in content_words(question))

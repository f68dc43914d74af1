"""The page to ask on: one HTML document, no script, nothing fetched from elsewhere."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from string import Template
from urllib.parse import quote, urlencode

from index.documents import Document, Hit
from qa.answers import Answer, Citation, Reply
from service.text import (
    around,
    beginning,
    confidence_in_words,
    counted,
    percentage,
    place,
    shown,
    visible,
)

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2327; --soft: #5b6570; --paper: #fdfcf9;
  --line: #d9d5cb; --mark: #ffe58a; --accent: #205a45; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --soft: #a0a8ad; --paper: #17191b;
  --line: #3a3f43; --mark: #6b5510; --accent: #7fc8a9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55;
  font: 1.05rem/1.55 Georgia, "Times New Roman", serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { margin: 0 0 1.25rem; font-size: 1.5rem; letter-spacing: .01em; }
h1 a { color: inherit; text-decoration: none; }
form { display: flex; gap: .5rem; margin-bottom: 2rem; }
input, button { font: inherit; padding: .6rem .8rem; border-radius: .4rem;
  border: 1px solid var(--line); }
input { flex: 1; min-width: 0; background: transparent; color: inherit; }
button { background: var(--accent); border-color: var(--accent); color: var(--paper);
  cursor: pointer; }
:is(input, button, a):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
ol { list-style: none; margin: 0; padding: 0; }
li { padding: 1rem 0; border-top: 1px solid var(--line); }
blockquote { margin: 0 0 .4rem; font-size: 1.15rem; overflow-wrap: anywhere; }
mark { background: var(--mark); color: inherit; padding: .05em .15em; border-radius: .2em; }
.place { margin: 0; color: var(--soft); font: .85rem/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; }
.place a { color: var(--accent); }
.notice { border-left: .25rem solid var(--accent); padding: .2rem 0 .2rem .9rem; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }
"""

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1><a href="/">Pincite</a></h1>
<form action="/" method="get" role="search">
<input type="search" name="q" value="$question" maxlength="10000" required$autofocus
 aria-label="Your question" placeholder="Ask your documents">
<button type="submit">Ask</button>
</form>
$content
</main>
</body>
</html>
""")

# Nothing may be fetched or run; the one style sheet is known by its digest.
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def start_page(documents: int) -> str:
    """The page before any question; `documents` is how many the index holds."""
    return _page(
        "Pincite",
        "",
        f'<p class="place">Answers come from {counted(documents, "document")}, in their own words, '
        "each with the place where it stands.</p>",
        autofocus=True,
    )


def reply_page(reply: Reply, nearest: Sequence[tuple[Hit, Citation]]) -> str:
    """The page with a reply; `nearest` are the passages to show where there is no answer."""
    if reply.abstained:
        reason = reply.reason or "The documents do not say."
        content = f'<p class="notice" role="status">{_safe(reason)}</p>'
        if nearest:
            items = "".join(_hit(hit, citation) for hit, citation in nearest)
            content += f"<h2>The nearest passages</h2><ol>{items}</ol>"
    else:
        content = f"<ol>{''.join(_answer(answer) for answer in reply.answers)}</ol>"
    return _page(f"{reply.question} – Pincite", reply.question, content)


def problem_page(question: str, detail: str) -> str:
    """The page for a question that could not be taken."""
    return _page("Pincite", question, f'<p class="notice" role="alert">{_safe(detail)}</p>')


def document_page(document: Document, start: int, end: int) -> str:
    """The page with a document's text, where `text[start:end]` is marked."""
    text = document.text
    before, quoted, after = (
        escape(visible(part, keep="\n\t")) for part in (text[:start], text[start:end], text[end:])
    )
    mark = f'<mark id="quote">{quoted}</mark>' if quoted else ""
    content = (
        f'<h2>{_safe(document.title)}</h2><p class="place">{_safe(document.uri)}</p>'
        f"<pre>{before}{mark}{after}</pre>"
    )
    return _page(f"{document.title} – Pincite", "", content)


def _page(title: str, question: str, content: str, *, autofocus: bool = False) -> str:
    return _PAGE.substitute(
        title=_safe(title),
        style=_STYLE,
        question=_safe(question),
        autofocus=" autofocus" if autofocus else "",
        content=content,
    )


def _answer(answer: Answer) -> str:
    citation = answer.citation
    start = citation.start - answer.sentence_start
    before, quoted, after = around(answer.sentence, start, start + len(answer.text))
    sure = f"{percentage(answer.confidence)} confident ({confidence_in_words(answer.confidence)})"
    also = "".join(
        f'<p class="place">also {_link(other)}: <q>{_safe(other.text)}</q></p>'
        for other in answer.also_at
    )
    return (
        f"<li><blockquote>{escape(before)}<mark>{escape(quoted)}</mark>{escape(after)}</blockquote>"
        f'<p class="place">{_link(citation)}</p><p class="place">{escape(sure)}</p>{also}</li>'
    )


def _hit(hit: Hit, citation: Citation) -> str:
    words = escape(beginning(hit.passage.text, most=240))
    return f'<li><p class="place">{_link(citation)}</p><p class="place">{words}</p></li>'


def _link(citation: Citation) -> str:
    """Where a quote stands, as a link to the page that shows it there."""
    query = urlencode({"start": citation.start, "end": citation.end})
    address = f"/documents/{quote(citation.document_id, safe='')}?{query}#quote"
    return f'<a href="{escape(address)}">{_safe(citation.title)}</a>, {escape(place(citation))}'


def _safe(text: str) -> str:
    return escape(shown(text))

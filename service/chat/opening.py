"""Where a citation opens: in the person's pager, in a browser, or right here."""

import sys
import webbrowser
from typing import Protocol

from rich.text import Text

from index.documents import Document
from qa.answers import Citation
from service.chat.excerpt import excerpt, sheet
from service.chat.pager import Pager
from service.links import view_path
from service.render import Page
from service.text import place

_INDENT = 3


class Opener(Protocol):
    """Shows a citation in its document: `document.text[start:end]` is its quote."""

    def __call__(self, document: Document, citation: Citation) -> None:
        """Show it."""
        ...


class InPager:
    """Opens citations in a pager, at the quote, which is marked."""

    def __init__(self, pager: Pager) -> None:
        self._pager = pager

    def __call__(self, document: Document, citation: Citation) -> None:
        """Show it until the person leaves the pager.

        Raises:
            InvalidSettings: the pager cannot be run.
        """
        sys.stdout.flush()
        colours = self._pager.takes_colours
        self._pager.show(sheet(document, citation, place(citation), colours=colours))


class Here:
    """Writes what stands around the quote; for where there is no terminal."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def __call__(self, document: Document, citation: Citation) -> None:
        """Write it."""
        before, marked, after = excerpt(document, citation)
        self._page.line(place(citation))
        self._page.line(Text(f"{before}«{marked}»{after}"), indent=_INDENT)


class InBrowser:
    """Opens citations on the page of a running `pincite serve` that serves the same index."""

    def __init__(self, address: str, collection: str, page: Page) -> None:
        """Take the server's address, such as `http://127.0.0.1:8000`, and a collection's name."""
        self._address = address.rstrip("/")
        self._collection = collection
        self._page = page

    def __call__(self, document: Document, citation: Citation) -> None:  # noqa: ARG002
        """Open it; its address is written as well, for where no browser can be had."""
        path = view_path(self._collection, citation.document_id, citation.start, citation.end)
        where = self._address + path
        self._page.line(where)
        sys.stdout.flush()
        webbrowser.open(where)

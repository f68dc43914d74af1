"""Pages taken apart for the tests: elements, links, forms and what they say."""

from html.parser import HTMLParser

from fastapi.testclient import TestClient

_VOID = frozenset({"area", "br", "hr", "img", "input", "link", "meta", "rect"})


class Page(HTMLParser):
    """What a page is made of, as far as tests look at it.

    `elements` are the tags with their attributes; `marked` the texts in `mark`; `text` all text
    but that of scripts and styles.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.marked: list[str] = []
        self.headings: list[int] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "mark":
            self.marked.append("")
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"closed before it was opened: {tag}"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self._text.append(data)
        if "mark" in self._open:
            self.marked[-1] += data

    @property
    def text(self) -> str:
        """All text, with single blanks."""
        return " ".join("".join(self._text).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of each element with this tag."""
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, name: str) -> list[str]:
        """What an attribute is, in each element that has it."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    @property
    def addresses(self) -> list[str]:
        """Where the page leads, and what it is made with."""
        return self.values("href") + self.values("src") + self.values("action")

    @property
    def forms(self) -> list[tuple[str, dict[str, str]]]:
        """Where each form is sent, and what it sends unasked."""
        found: list[tuple[str, dict[str, str]]] = []
        for tag, attributes in self.elements:
            if tag == "form":
                found.append((attributes["action"], {}))
            elif tag == "input" and attributes.get("type") == "hidden":
                found[-1][1][attributes["name"]] = attributes["value"]
        return found

    def link(self, beginning: str) -> str:
        """The first address that begins so."""
        return next(found for found in self.addresses if found.startswith(beginning))


def page_at(client: TestClient, address: str, status: int = 200, **query: str) -> Page:
    """The page that a browser's window shows at an address."""
    response = client.get(address, params=query or None, headers={"Accept": "text/html"})
    assert response.status_code == status, response.text
    return Page(response.text)

"""Pages from templates; whatever is put into one is escaped."""

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.host.collections import DEFAULT
from service.text import counted, shown, size_of, visible
from service.web import addresses
from service.web.assets import assets
from service.web.frame import Frame
from service.web.notices import Notice

_TEMPLATES = Path(__file__).parent / "templates"

_NOTHING: Mapping[str, str] = MappingProxyType({})

# Nothing comes from elsewhere, nothing in the page itself runs, and nobody may frame it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    # With no-referrer, browsers would not say that a form comes from our own page either.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "shown": shown,
        "visible": visible,
        "counted": counted,
        "size": size_of,
        "first_up": lambda text: text[:1].upper() + text[1:],
    }
    made.globals["asset"] = assets().address
    return made


def rendered(template: str, **values: object) -> str:
    """A template with its values put in."""
    return _environment().get_template(template).render(values)


def html(
    template: str, status: int = 200, headers: Mapping[str, str] = _NOTHING, **values: object
) -> HTMLResponse:
    """The response that a template gives, under the page's own headers."""
    return HTMLResponse(rendered(template, **values), status, HEADERS | dict(headers))


def page(
    template: str,
    frame: Frame | None,
    here: str,
    values: Mapping[str, object],
    *,
    notice: Notice | None = None,
    status: int = 200,
    headers: Mapping[str, str] = _NOTHING,
) -> HTMLResponse:
    """A whole page: `here` is its path, `frame` what stands around it, None for only a name.

    With a notice of what went wrong, its status and headers are the response's.
    """
    collection = DEFAULT if frame is None else frame.collection
    around = {
        "frame": frame,
        "here": here,
        "place": partial(addresses.page, collection=collection),
        "collection": collection,
        "notice": notice,
    }
    if notice is not None:
        status, headers = notice.status, notice.headers
    return html(template, status, headers, **around, **values)

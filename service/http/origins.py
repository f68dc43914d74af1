"""Which page a browser says that a request comes from."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_ours(headers: Headers) -> bool:
    """Whether a browser says that a page of this server sent the request.

    No page can set these headers itself. Programs do not send them, and are not taken for ours.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    # A page that tells nobody where it stands sends "null"; then the other header must say it.
    if origin is None or origin == "null":
        return site is not None
    return _host(origin) == headers.get("host", "").lower()


def is_foreign(method: str, headers: Headers) -> bool:
    """Whether a browser says that a page of another site sent the request, and it may not be sent.

    Such a page may link here. It may not change anything, nor load anything from here as a part
    of its own: that would let it measure what is here, and give the server work.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    elsewhere = site in ("cross-site", "same-site")
    if method in SAFE_METHODS:
        linked = (
            headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        return elsewhere and not linked
    if origin is None:
        return elsewhere
    return elsewhere or not (is_ours(headers))


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""

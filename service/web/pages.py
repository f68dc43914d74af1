"""The web page's addresses, put onto the service."""

from fastapi import FastAPI

from service.web import admin, asking, assets, documents, session, uploads, verdicts, viewing

_PARTS = (assets, asking, viewing, verdicts, documents, uploads, session, admin)


def install(app: FastAPI) -> None:
    """Put the page's addresses onto an app; each leaves itself out of its description."""
    for part in _PARTS:
        app.router.routes.extend(part.router.routes)

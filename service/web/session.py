"""Signing in with a key, and out again."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from service.errors import Busy, Unauthorized
from service.http.access import Serving, sign_in, sign_out
from service.web.forms import LONGEST, own
from service.web.notices import notice_of
from service.web.templating import HEADERS, page

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(
    server: Serving,
    next: Annotated[str, Query(max_length=LONGEST)] = "/",  # noqa: A002 - its name
) -> Response:
    """The page to sign in on; where no keys are asked for, there is nothing to sign in to."""
    if server.is_open:
        return RedirectResponse(own(next), 303, HEADERS)
    return page("login.html", None, "/login", {"next": own(next)})


@router.post("/login")
def login(
    request: Request,
    key: Annotated[str, Form(max_length=LONGEST)] = "",
    next: Annotated[str, Form(max_length=LONGEST)] = "/",  # noqa: A002 - its name
) -> Response:
    """Open a session for a key, and go on to where one wanted to."""
    response = RedirectResponse(own(next), 303, HEADERS)
    try:
        sign_in(request, response, key)
    except (Busy, Unauthorized) as error:
        values = {"next": own(next)}
        return page("login.html", None, "/login", values, notice=notice_of(error))
    return response


@router.post("/logout")
def logout(request: Request) -> Response:
    """End the session."""
    response = RedirectResponse("/login", 303, HEADERS)
    sign_out(request, response)
    return response

"""What the page's forms send, checked as what programs send is."""

from typing import TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

# An address that a form leads back to is not longer, nor is a key.
LONGEST = 8_000

_Model = TypeVar("_Model", bound=BaseModel)


def made_of(model: type[_Model], **fields: object) -> _Model:
    """The request that a form's fields make.

    Raises:
        RequestValidationError: they do not make one.
    """
    try:
        return model(**fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from error


def own(address: str) -> str:
    """An address of this very server; its first page where it is another's."""
    is_own = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_own and address.isprintable() else "/"

"""Requests of the client: sent, sent again where that helps, and read; over httpx."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from pydantic import BaseModel, ValidationError

from index.errors import InvalidSettings, MissingExtra
from service import __version__
from service.errors import ServiceError
from service.schemas import ProblemBody

if TYPE_CHECKING:
    import httpx

BodyT = TypeVar("BodyT", bound=BaseModel)

# What httpx is to send, made anew for each try.
Content = Callable[[], dict[str, Any]]

# The most seconds that a server is waited for when it asks to come back later.
_PATIENCE = 60.0

_LEAST_ERROR = 400
# What is worth trying again, if the server says when.
_NOT_NOW = frozenset({429, 503})


class More(TypedDict, total=False):
    """What a request may have beside its method, path and query; see `Transport.answer`."""

    headers: Mapping[str, str]
    content: Content
    once: bool
    longer: float


class Refused(ServiceError):
    """The server answered with a problem, which is held here."""

    def __init__(self, problem: ProblemBody) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Unreachable(ServiceError):
    """The server could not be reached, or did not answer as one of ours does."""


class Transport:
    """Sends requests to one server with a key. Safe to use from several threads."""

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        seconds: float = 60.0,
        tries: int = 4,
        http: "httpx.Client | None" = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take the server's address; `http` sends in its stead, and is not closed here.

        `seconds` is how long one request may take, `tries` how often it is sent at most.

        Raises:
            MissingExtra: httpx is not installed.
            InvalidSettings: the address, or the key, cannot be one.
        """
        self._httpx = _httpx()
        self._own = http is None
        self._seconds = seconds
        self._http = self._opened(url) if http is None else http
        self._headers = {"User-Agent": f"pincite/{__version__}"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {_checked(key)}"
        self._tries = tries
        self.sleep = sleep

    def _opened(self, url: str) -> "httpx.Client":
        try:
            # The name is only looked at when it is asked for.
            self._httpx.URL(url).host  # noqa: B018
            return self._httpx.Client(base_url=url, timeout=self._seconds)  # type: ignore[no-any-return]
        except (self._httpx.InvalidURL, UnicodeError) as error:
            raise InvalidSettings(f"{url!r}: is no address of a server ({error})") from error

    def close(self) -> None:
        """Close the connections, if they were opened here."""
        if self._own:
            self._http.close()

    def send(
        self,
        gives: type[BodyT],
        method: str,
        path: str,
        query: Mapping[str, object],
        **more: Unpack[More],
    ) -> BodyT:
        """The body that a request is answered with; see `answer`."""
        return read(gives, self.answer(method, path, query, **more).content, path)

    def events(
        self, method: str, path: str, query: Mapping[str, object], content: Content = dict
    ) -> Iterator[tuple[str, bytes]]:
        """The server-sent events of a response, each with its data. It is asked for once.

        Raises:
            Refused: the server answered with a problem, at once or as an event.
            Unreachable: it could not be reached, or not to the end.
        """
        body = content()
        headers = {**self._headers, **body.pop("headers", {}), "Accept": "text/event-stream"}
        params: dict[str, Any] = {**query}
        try:
            with self._http.stream(
                method, path, params=params, headers=headers, **body
            ) as response:
                if not response.is_success:
                    response.read()
                    raise self._refusal(response)
                for event, data in server_sent(response.iter_bytes()):
                    if event == "problem":
                        raise Refused(read(ProblemBody, data, path))
                    yield event, data
        except self._httpx.RequestError as error:
            raise self._unreachable(error) from error

    def answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, object],
        *,
        headers: Mapping[str, str] | None = None,
        content: Content = dict,
        once: bool = False,
        longer: float = 0.0,
    ) -> "httpx.Response":
        """The response to a request, which is sent again a few times if that may help.

        Writes carry a key by which the server makes them once although they come again; `once`
        tells that it does not, so that what may have arrived is not sent again. `longer` is how
        many seconds more than others it may take; where `http` was given, its own limits hold.

        Raises:
            Refused: the server answered with a problem.
            Unreachable: it could not be reached, or did not answer as one of ours does.
        """
        given = {**self._headers, **(headers or {})}
        if method != "GET" and not once:
            given["Idempotency-Key"] = uuid.uuid4().hex
        params: dict[str, Any] = {**query}
        limit: dict[str, Any] = {"timeout": self._seconds + longer} if self._own else {}
        left = self._tries
        while True:
            left -= 1
            try:
                body = content()
                given.update(body.pop("headers", {}))
                response = self._http.request(
                    method, path, params=params, headers=given, **limit, **body
                )
            except self._httpx.RequestError as error:
                if once or left <= 0:
                    raise self._unreachable(error) from error
                self.sleep(2.0 ** (self._tries - left - 2))
                continue
            if response.is_success:
                return response
            pause = _pause(response)
            if left <= 0 or pause is None:
                raise self._refusal(response)
            self.sleep(pause)

    def _refusal(self, response: "httpx.Response") -> ServiceError:
        if response.status_code < _LEAST_ERROR:
            return Unreachable(
                f"{self._http.base_url}: the server answered with status "
                f"{response.status_code}, as one of ours does not; is this its address?"
            )
        return Refused(_problem(response))

    def _unreachable(self, error: Exception) -> "Unreachable":
        return Unreachable(
            f"{self._http.base_url}: the server cannot be reached "
            f"({str(error) or type(error).__name__}); is it running?"
        )


def _checked(key: str) -> str:
    bare = key.strip()
    if not bare or not (bare.isascii() and bare.isprintable()):
        raise InvalidSettings(
            "the key holds characters that no key has; copy it as it was shown when it was made"
        )
    return bare


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise MissingExtra(
            "the client needs httpx; install it: pip install 'pincite[client]'"
        ) from error
    return httpx


def as_json(body: BaseModel) -> dict[str, Any]:
    """A body as what httpx is to send."""
    return {
        "content": body.model_dump_json(exclude_unset=True).encode(),
        "headers": {"Content-Type": "application/json"},
    }


def read(gives: type[BodyT], content: bytes, path: str) -> BodyT:
    """A body of the wire.

    Raises:
        Unreachable: it is none.
    """
    try:
        # A later server may say more than is known here.
        return gives.model_validate_json(content, extra="ignore")
    except ValidationError as error:
        raise Unreachable(
            f"{path}: the answer is not the one that is expected; is this a Pincite server of "
            "this version?"
        ) from error


def server_sent(chunks: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """The events in a stream, each with its data.

    Lines end at line feeds alone, as ours do: text in them may hold other characters that some
    take for the end of a line.
    """
    event, data = "message", b""
    for line in _lines(chunks):
        name, _, value = line.partition(b": ")
        if name == b"event":
            event = value.decode("utf-8", "replace")
        elif name == b"data":
            data = value
        elif not line:
            if data:
                yield event, data
            event, data = "message", b""


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        held.append(first)
        for other in others:
            yield b"".join(held)
            held = [other]


def _pause(response: "httpx.Response") -> float | None:
    """After how many seconds a request is worth sending again; None if it is not."""
    after = response.headers.get("retry-after", "")
    if response.status_code not in _NOT_NOW or not (after.isascii() and after.isdigit()):
        return None
    return float(after) if len(after) < 6 and float(after) <= _PATIENCE else None


def _problem(response: "httpx.Response") -> ProblemBody:
    try:
        return ProblemBody.model_validate_json(response.content, extra="ignore")
    except ValidationError:
        # What stands in front of the server answers in its own way.
        return ProblemBody(
            type="about:blank",
            title=response.reason_phrase or "The request failed",
            status=response.status_code,
            detail=f"the server answered with status {response.status_code}",
            instance=response.url.path,
            request_id=response.headers.get("x-request-id", ""),
        )

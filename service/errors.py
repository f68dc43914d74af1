"""What can go wrong in the service itself, and the one table of what every error means outside.

    PinciteError
    └── ServiceError
        ├── Unauthorized           no key, or one that opens nothing
        ├── Forbidden              the key does not go so far
        ├── UnknownCollection      no collection has this name, or the key does not open it
        ├── UnknownKey             no key has this id
        ├── UnknownJob             no job has this id
        ├── UnknownJudgement       no feedback has this number
        ├── Conflict               what is there stands in the way
        ├── PreconditionFailed     what is there is not what the client takes it for
        ├── UnusableBackup         a backup is damaged, or cannot be restored there
        ├── NotReady               the service cannot answer yet, or not any more
        └── Busy                   not now; `retry_after` says when
            ├── Overloaded         the service has as much to do as it takes on
            └── TooManyRequests    the key, or the address, has asked too often

The rest of the tree is in `index.errors`.
"""

import math
import re
from dataclasses import dataclass

from index import errors

# Exit codes of the commands.
ANSWERED = 0
NOT_SAID = 1
USERS_MISTAKE = 2
OURS = 3
INTERRUPTED = 130


class ServiceError(errors.PinciteError):
    """Base of what goes wrong in the service itself."""


class Unauthorized(ServiceError):
    """There is no key, or one that opens nothing."""


class Forbidden(ServiceError):
    """The key is good, but does not go so far."""


class UnknownCollection(ServiceError):
    """No collection has this name, or the key does not open it: the two are not told apart."""


class UnknownKey(ServiceError):
    """No key has this id."""


class UnknownJob(ServiceError):
    """No job has this id."""


class UnknownJudgement(ServiceError):
    """No feedback has this number."""


class Conflict(ServiceError):
    """What is there stands in the way."""


class PreconditionFailed(ServiceError):
    """What is there is not what the client takes it for."""


class UnusableBackup(ServiceError):
    """A backup is damaged or of another kind, or the place is not one to restore it to."""


class NotReady(ServiceError):
    """The service cannot answer and take documents in, now."""


class Busy(ServiceError):
    """Not now; `retry_after` is after how many seconds it is worth trying again."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def wait(self) -> int:
        """The same in whole seconds, at least one, as `Retry-After` has them."""
        return max(1, math.ceil(self.retry_after))


class Overloaded(Busy):
    """The service has as much to do as it takes on."""


class TooManyRequests(Busy):
    """Whoever asks has asked too often."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error means outside: an HTTP status, an exit code, and a title that never varies."""

    status: int
    exit_code: int
    title: str


MEANINGS: dict[type[errors.PinciteError], Meaning] = {
    errors.PinciteError: Meaning(500, OURS, "Pincite failed"),
    errors.DocumentError: Meaning(422, USERS_MISTAKE, "The document cannot be taken in"),
    errors.UnsupportedFormat: Meaning(415, USERS_MISTAKE, "The document's format is not read"),
    errors.UnreadableDocument: Meaning(422, USERS_MISTAKE, "The document cannot be read"),
    errors.DocumentTooLarge: Meaning(413, USERS_MISTAKE, "The document is too large"),
    errors.LostOriginal: Meaning(404, USERS_MISTAKE, "The original is not to be had"),
    errors.UnknownPage: Meaning(404, USERS_MISTAKE, "There is no such page"),
    errors.IndexStoreError: Meaning(503, OURS, "The index cannot be used"),
    errors.NoIndex: Meaning(503, USERS_MISTAKE, "There is no index"),
    errors.IncompatibleIndex: Meaning(503, USERS_MISTAKE, "The index was made with other settings"),
    errors.DamagedIndex: Meaning(503, OURS, "The index is damaged"),
    errors.UnavailableIndex: Meaning(503, OURS, "The index is not available just now"),
    errors.ModelError: Meaning(503, USERS_MISTAKE, "The model cannot be used"),
    errors.MissingExtra: Meaning(503, USERS_MISTAKE, "An optional package is not installed"),
    errors.InvalidQuestion: Meaning(422, USERS_MISTAKE, "The question cannot be taken"),
    errors.InvalidFilter: Meaning(422, USERS_MISTAKE, "The filter cannot be understood"),
    errors.InvalidSettings: Meaning(422, USERS_MISTAKE, "A setting cannot work"),
    errors.InvalidLabels: Meaning(422, USERS_MISTAKE, "The labelled questions cannot be used"),
    errors.UnknownDocument: Meaning(404, USERS_MISTAKE, "There is no such document"),
    ServiceError: Meaning(500, OURS, "The service failed"),
    Busy: Meaning(503, OURS, "The service is busy"),
    Unauthorized: Meaning(401, USERS_MISTAKE, "A key is needed"),
    Forbidden: Meaning(403, USERS_MISTAKE, "The key does not go so far"),
    UnknownCollection: Meaning(404, USERS_MISTAKE, "There is no such collection"),
    UnknownKey: Meaning(404, USERS_MISTAKE, "There is no such key"),
    UnknownJob: Meaning(404, USERS_MISTAKE, "There is no such job"),
    UnknownJudgement: Meaning(404, USERS_MISTAKE, "There is no such feedback"),
    Conflict: Meaning(409, USERS_MISTAKE, "Something stands in the way"),
    PreconditionFailed: Meaning(412, USERS_MISTAKE, "It is not what it was taken for"),
    UnusableBackup: Meaning(422, USERS_MISTAKE, "The backup cannot be used"),
    NotReady: Meaning(503, OURS, "The service is not ready"),
    Overloaded: Meaning(503, OURS, "The service has too much to do"),
    TooManyRequests: Meaning(429, USERS_MISTAKE, "There were too many requests"),
}


def meaning(error: errors.PinciteError) -> Meaning:
    """What `error` means: its own entry, or that of the nearest class it descends from."""
    return next(MEANINGS[kind] for kind in type(error).__mro__ if kind in MEANINGS)


def slug(kind: type[errors.PinciteError]) -> str:
    """The name of a kind of error on the wire: `UnknownDocument` is `unknown-document`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def told(error: errors.PinciteError) -> str:
    """What a client is told of an error: of what is wrong on our side, not where things lie."""
    if meaning(error).status < 500 or isinstance(error, ServiceError):
        return str(error)
    return "the index or a model cannot be used just now; the server's log says more"

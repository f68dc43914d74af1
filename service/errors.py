"""The one table from what went wrong to an HTTP status, an exit code and a title."""

from dataclasses import dataclass

from index import errors

# Exit codes of the commands.
ANSWERED = 0
NOT_SAID = 1
USERS_MISTAKE = 2
OURS = 3
INTERRUPTED = 130


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
}


def meaning(error: errors.PinciteError) -> Meaning:
    """What `error` means: its own entry, or that of the nearest class it descends from."""
    return next(MEANINGS[kind] for kind in type(error).__mro__ if kind in MEANINGS)

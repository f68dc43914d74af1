"""Everything that can go wrong, in one tree.

    PinciteError
    ├── DocumentError              one document cannot be read; the others go on
    │   ├── UnsupportedFormat      nothing here reads this kind of file
    │   ├── UnreadableDocument     the right kind of file, but empty, damaged, encrypted or textless
    │   ├── DocumentTooLarge       more bytes than the format's limit
    │   ├── LostOriginal           its original has changed or gone, or was never kept
    │   └── UnknownPage            it has no such page, or none that can be drawn
    ├── IndexStoreError            the index folder
    │   ├── NoIndex                there is none at this place
    │   ├── IncompatibleIndex      made with another format version, embedder or splitter
    │   ├── DamagedIndex           the database cannot be read
    │   └── UnavailableIndex       the database is locked, read-only or out of room
    ├── ModelError                 a model is missing, altered or of the wrong kind
    │   └── MissingExtra           a package of the `hub` extra is not installed
    ├── InvalidQuestion            empty or too long
    ├── InvalidFilter              a filter cannot be understood
    ├── InvalidSettings            a setting has a value that cannot work
    ├── InvalidLabels              labelled questions cannot be read, or none of them can be used
    └── UnknownDocument            no document has this id, URI or path

Each message says what was found and what to do about it, on one line, for the person who reads it.
"""


class PinciteError(Exception):
    """Base of every error Pincite raises on purpose."""


class DocumentError(PinciteError):
    """One document cannot be taken in; the message begins with its name."""


class UnsupportedFormat(DocumentError):
    """The bytes are of a kind that no extractor reads."""


class UnreadableDocument(DocumentError):
    """The bytes are of a known kind but hold no text that can be had."""


class DocumentTooLarge(DocumentError):
    """The file has more bytes than its format is read up to."""


class LostOriginal(DocumentError):
    """The bytes that a document was read from cannot be had any more."""


class UnknownPage(DocumentError):
    """A document has no page of this number that can be drawn."""


class IndexStoreError(PinciteError):
    """The index folder cannot be used."""


class NoIndex(IndexStoreError):
    """There is no index at the place named."""


class IncompatibleIndex(IndexStoreError):
    """The index was made with another format version, embedder or splitter."""


class DamagedIndex(IndexStoreError):
    """The database cannot be read."""


class UnavailableIndex(IndexStoreError):
    """The database cannot be used at the moment: locked, read-only, or the disk is full."""


class ModelError(PinciteError):
    """A model is missing, altered or of the wrong kind."""


class MissingExtra(ModelError):
    """A package that belongs to an optional extra is not installed."""


class InvalidQuestion(PinciteError):
    """The question is empty or longer than can be taken."""


class InvalidFilter(PinciteError):
    """A filter of documents cannot be understood."""


class InvalidSettings(PinciteError):
    """A setting has a value that cannot work."""


class InvalidLabels(PinciteError):
    """Labelled questions cannot be read, or none of them can be used."""


class UnknownDocument(PinciteError):
    """No document in the index has this id, URI or path."""

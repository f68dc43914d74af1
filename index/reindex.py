"""Cut and embed all documents again, for another embedder or splitter, beside what answers now."""

from collections.abc import Callable, Sequence

from index.documents import Document, Passage
from index.embedding import Embedder, Vectors
from index.errors import IncompatibleIndex, InvalidSettings, UnknownDocument
from index.indexing import embed
from index.outcomes import Progress, Report
from index.passages import Splitter, split, text_in_context
from index.store import IndexSettings, PassageStore

# Documents are stored when they hold this many passages together, so that little is lost when
# interrupted.
_GROUP = 64
_DOCUMENTS_AT_ONCE = 32

_Filled = tuple[Document, list[Passage], Vectors]


def reindex(
    store: PassageStore,
    embedder: Embedder,
    splitter: Splitter,
    report: Report = lambda _: None,
) -> None:
    """Build an edition with this embedder and splitter, then let it answer, in one step.

    Needs no original files. Until the end the index answers as before. Interrupted, it goes on
    where it was when called again with the same settings.

    Raises:
        InvalidSettings: the splitter does not fit the embedder.
        IncompatibleIndex: another process has begun to build another edition meanwhile.
    """
    splitter.check(embedder.max_tokens)
    store.begin(IndexSettings(embedder.identity, splitter))
    _complete(store, lambda: embedder, splitter, report)


def roll_back(
    store: PassageStore, open_embedder: Callable[[str], Embedder], report: Report = lambda _: None
) -> IndexSettings:
    """Let the edition before the current one answer again; what was added since is added to it.

    `open_embedder` opens an embedder by its name; called only if there is something to add.

    Returns:
        What that edition was made with.

    Raises:
        InvalidSettings: there is no edition to go back to.
        IncompatibleIndex: its embedder is not what it was any more.
    """
    wanted = store.previous
    if wanted is None:
        raise InvalidSettings("the index has no earlier edition to go back to")

    def embedder() -> Embedder:
        found = open_embedder(wanted.embedder.name)
        if found.identity != wanted.embedder:
            raise IncompatibleIndex(
                f"the earlier edition was made with other weights of {wanted.embedder.name} than "
                "there are now; make it anew: pincite reindex"
            )
        return found

    store.begin(wanted)
    _complete(store, embedder, wanted.splitter, report)
    return wanted


def _complete(
    store: PassageStore, open_embedder: Callable[[], Embedder], splitter: Splitter, report: Report
) -> None:
    """Fill the edition being built with what it lacks, and switch to it."""
    embedder: Embedder | None = None
    passages_done = 0

    def fill(group: Sequence[_Filled]) -> None:
        nonlocal passages_done
        store.fill(group)
        passages_done += sum(len(passages) for _, passages, _ in group)
        done, total = store.edition_progress() or (0, 0)
        report(Progress(to_read=total, read=done, passages=passages_done))

    while not store.switch():
        embedder = open_embedder() if embedder is None else embedder
        group: list[_Filled] = []
        for document_id in store.pending(_DOCUMENTS_AT_ONCE):
            try:
                document = store.document(document_id)
            except UnknownDocument:
                # It has been removed since; it is pending no more.
                continue
            passages = split(document, embedder.tokenize, splitter)
            if store.building == store.settings:  # begun to be rid of what is damaged
                texts = [text_in_context(passage) for passage in passages]
                vectors = embedder.embed_passages(texts)
            else:
                vectors = embed(store, embedder, passages)
            group.append((document, passages, vectors))
            if sum(len(cut) for _, cut, _ in group) >= _GROUP:
                fill(group)
                group = []
        if group:
            fill(group)

"""The prompt: what lines mean, what they do, and a real person's terminal."""

import io
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from service_fakes import Run, fake_engine

from index.documents import Document
from index.errors import InvalidSettings, ModelError, UnavailableIndex
from qa.answers import Citation, Reply, Timings, cite
from service.chat.excerpt import excerpt, sheet
from service.chat.history import LineHistory
from service.chat.lines import COMMANDS, NAMES, Ask, Mistake, Open, Where, Word, parse
from service.chat.loop import Chat, Manner
from service.chat.opening import InBrowser
from service.chat.pager import Pager
from service.chat.prompt import typed
from service.chat.state import State, answered, listed, more, narrowed, widened
from service.chat.vocabulary import MOST_OFFERED, Vocabulary, collect
from service.commands.chatting import _converse
from service.engine import Engine
from service.render import Page, console
from service.text import visible

BOOKS = "How many books may a reader borrow?"


def _document(text: str, name: str = "d") -> Document:
    return Document(name, "test:d", "D", "text/plain", text, "0")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", Word.NOTHING),
        ("   \n", Word.NOTHING),
        ("more", Word.MORE),
        (" HELP ", Word.HELP),
        ("?", Word.HELP),
        ("exit", Word.QUIT),
        ("3", Open(3)),
        ("open", Open(1)),
        ("open 12", Open(12)),
        ("2024", Ask("2024")),
        ("open 2024", Ask("open 2024")),
        ("open on Sundays?", Ask("open on Sundays?")),
        ("more about loans", Ask("more about loans")),
        ("where", Where(None)),
        ("where type=pdf", Where("type=pdf")),
        ("where date >= 2024", Where("date >= 2024")),
        ("where is the pool?", Ask("where is the pool?")),
        ("where is x=3 used?", Ask("where is x=3 used?")),
        ("/more", Word.MORE),
        ("/open 2", Open(2)),
        ("/ask more", Ask("more")),
        ("/", Mistake("nothing stands after the slash; see: help")),
        ("/fetch it", Mistake("fetch it: there is no such command; see: help")),
    ],
)
def test_a_line_means_one_thing(line: str, command: object) -> None:
    assert parse(line) == command


@given(st.text(max_size=80))
def test_every_line_can_be_asked(line: str) -> None:
    assert parse(line) is not None
    assert parse(f"/ask {line}") == Ask(line.strip())


def test_every_command_that_help_names_is_one() -> None:
    for names in COMMANDS:
        for name in names.split(", "):
            assert not isinstance(parse(name), Ask | Mistake)
            assert name.isdigit() or name.split()[0] in NAMES
    assert all(not isinstance(parse(name), Ask | Mistake) for name in NAMES)


def _reply(answers: int) -> Reply:
    from qa.answers import Answer

    document = _document("x" * 100)
    made = [
        Answer("x", 0.5, "x", place, cite(document, place, place + 1)) for place in range(answers)
    ]
    return Reply("q", tuple(made), None if made else "no", (), Timings(0, 0, 0, 0))


@given(st.integers(0, 20), st.integers(1, 5))
def test_every_answer_is_shown_once_in_order_under_its_number(count: int, step: int) -> None:
    reply = _reply(count)
    state = answered(State(), reply, step)
    shown = list(reply.answers[: state.shown])
    while True:
        state, following = more(state, step)
        if not following:
            break
        assert len(following) <= step
        shown += following
        for number, answer in enumerate(shown, 1):
            assert state.citation(number) == answer.citation
    assert tuple(shown) == reply.answers
    assert state.citation(0) is None
    assert state.citation(count + 1) is None


def test_conditions_add_up_until_all_are_dropped() -> None:
    state = narrowed(narrowed(State(), "type=pdf"), "date>=2024")
    assert str(state.where) == "type=pdf, date>=2024"
    assert not widened(state).where
    assert more(State()) == (State(), ())


HOSTILE = "One\x1b]0;pwned\x07 two\u202e\nthe quo\x1b[2Jte\nends here."


@pytest.mark.parametrize("colours", [True, False])
def test_a_sheet_marks_the_quote_and_steers_nothing(colours: bool) -> None:
    start, end = HOSTILE.index("quo"), HOSTILE.index(" here")
    document = _document(HOSTILE)
    made = sheet(document, cite(document, start, end), "A\x1bplace", colours=colours)
    lines = made.text.split("\n")
    assert lines[:3] == ["A\\x1bplace", "", "One\\x1b]0;pwned\\x07 two\\u202e"]
    marked = lines[made.line - 1 : made.line + 1]
    if colours:
        assert marked == ["the \x1b[7mquo\\x1b[2Jte\x1b[27m", "\x1b[7mends\x1b[27m here."]
    else:
        assert marked == ["the «quo\\x1b[2Jte", "ends» here."]
    plain = made.text.replace("\x1b[7m", "").replace("\x1b[27m", "")
    assert plain == visible(plain, keep="\n\t")


@given(st.text(st.sampled_from("ab \n\t\x1b\u202e"), min_size=1, max_size=60), st.data())
def test_a_sheet_is_the_whole_text_and_its_line_holds_the_quote(text: str, data: object) -> None:
    draw = data.draw  # type: ignore[attr-defined]
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    document = _document(text)
    made = sheet(document, cite(document, start, end), "place", colours=False)
    unmarked = made.text.replace("«", "", 1)[::-1].replace("»", "", 1)[::-1]
    whole = "place\n\n" + visible(text, keep="\n\t")
    assert unmarked in (whole, f"{whole}\n")
    assert "«" in made.text.split("\n")[made.line - 1]


def test_an_excerpt_is_what_stands_around() -> None:
    document = _document(f"{'a ' * 500}quote{' b' * 500}")
    before, quote, after = excerpt(document, cite(document, 1000, 1005))
    assert quote == "quote"
    assert before.startswith("… ")
    assert after.endswith(" …")
    assert len(before) + len(after) < 900
    whole = _document("a quote b")
    assert excerpt(whole, cite(whole, 2, 7)) == ("a ", "quote", " b")


class _Opened(list[tuple[str, int, int]]):
    def __call__(self, document: Document, citation: Citation) -> None:
        assert document.text[citation.start : citation.end] == citation.text
        self.append((citation.uri, citation.start, citation.end))


class _Talk:
    """A conversation with the fake engine that remembers what came of it."""

    def __init__(self, engine: Engine, manner: Manner) -> None:
        self.engine = engine
        self.out = io.StringIO()
        self.opened = _Opened()
        self.complaints: list[str] = []
        self.chat = Chat(
            engine, Page(console(self.out)), self.opened, self.complaints.append, manner
        )

    def say(self, line: str) -> tuple[int | None, list[str]]:
        before = self.out.tell()
        code = self.chat.take(line)
        return code, self.out.getvalue()[before:].splitlines()


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[_Talk]:
    engine = fake_engine(tmp_path / "index")
    yield _Talk(engine, Manner(step=1))
    engine.close()


def test_a_question_its_further_answers_and_their_sources(talk: _Talk) -> None:
    code, lines = talk.say(BOOKS)
    assert code == 0
    assert lines[0] == "1. A reader may borrow «12» books at a time."
    code, lines = talk.say("more")
    assert lines[0] == "2. A book is lent for «28» days."
    assert talk.say("2") == (0, [])
    assert talk.opened[-1][0] == "test:library"
    document = talk.engine.store.document(talk.engine.find(["test:library"])[0].id)
    assert document.text[slice(*talk.opened[-1][1:])] == "28"
    while talk.say("more")[1] != ["There are no further answers."]:
        pass
    code, lines = talk.say("hits")
    assert lines[0].startswith("1. ")
    assert talk.say("1") == (0, [])
    assert talk.opened[-1][2] - talk.opened[-1][1] > 20


def test_numbers_that_are_not_shown_are_mistakes(talk: _Talk) -> None:
    assert talk.say("1") == (2, [])
    talk.say(BOOKS)
    assert talk.say("9") == (2, [])
    assert talk.complaints == [
        "1: no citation has this number; ask something first",
        "9: no citation has this number; there are 1 to 1",
    ]


def test_questions_are_put_to_the_documents_that_fit(talk: _Talk) -> None:
    _, lines = talk.say("where uri=test:pool")
    assert lines == ["Looking in 1 of 2 documents, those that fit: uri=test:pool"]
    talk.say(BOOKS)
    assert {citation.uri for citation in talk.chat.state.numbered} == {"test:pool"}
    _, lines = talk.say("documents")
    assert [line for line in lines if "test:" in line] == [lines[0]]
    assert talk.say("everywhere")[1] == ["Looking in all documents."]
    assert talk.say("where")[1] == ["Looking in all documents; narrow it: where KEY=VALUE"]
    assert talk.say("where date>=")[0] == 2
    assert talk.complaints == ["the filter 'date>=' has nothing after >=; give it a value"]


def test_where_the_documents_do_not_say_the_nearest_passages_open(tmp_path: Path) -> None:
    engine = fake_engine(tmp_path / "index")
    talk = _Talk(engine, Manner(min_confidence=1.0))
    code, lines = talk.say(BOOKS)
    assert code == 1
    assert lines[2] == "The nearest passages:"
    assert talk.say("1") == (0, [])
    assert len(talk.opened) == 1
    engine.close()


def test_a_document_that_is_gone_or_changed_is_said_so(talk: _Talk) -> None:
    talk.say(BOOKS)
    talk.engine.add_bytes(b"# Library rules\n\nOther rules 5.", uri="test:library", name="l.md")
    assert talk.say("1") == (2, [])
    assert talk.complaints == ["the document has changed since; ask again"]
    talk.engine.remove([talk.engine.find(["test:library"])[0].id])
    assert talk.say("1") == (2, [])
    assert len(talk.complaints) == 2


def test_a_question_that_cannot_be_taken_changes_nothing(talk: _Talk) -> None:
    talk.say(BOOKS)
    before = talk.chat.state
    assert talk.say("x" * 10_001) == (2, [])
    assert talk.chat.state == before
    assert talk.say("") == (0, [])
    assert talk.say("quit") == (None, [])


def test_help_tells_every_command(talk: _Talk) -> None:
    _, lines = talk.say("help")
    assert all(any(line.startswith(f"  {name} ") for line in lines) for name in COMMANDS)


def test_words_of_headings_names_and_commands_are_completed(talk: _Talk) -> None:
    talk.engine.add_bytes(b"# Fire\x1b drill\n\nx 1", uri="test:f\x1bire", name="f.md")
    known = collect(talk.engine.store, Path.cwd())
    assert ("Library", 2) in known.completions("when does the li")
    assert ("Opening", 4) in known.completions("What are the OPEN")
    assert known.completions("wh") == [("where", 2)]
    assert known.completions("/qu") == [("quit", 2)]
    assert known.completions("where uri=test:p") == [("test:pool", 6)]
    assert ("Library rules", 0) in known.completions("where title~")
    assert known.completions("") == [(name, 0) for name in NAMES]
    assert not [text for text, _ in known.completions("where uri=") if "ire" in text]
    assert collect(talk.engine.store, Path.cwd(), lambda: True).words != known.words


@given(st.lists(st.text("abAB", min_size=1, max_size=5)), st.text("abAB ", max_size=8))
def test_what_is_offered_continues_what_is_typed(words: list[str], typed_so_far: str) -> None:
    unique = {word.lower(): word for word in words}
    known = Vocabulary(tuple(unique[key] for key in sorted(unique)))
    offered = known.completions(typed_so_far)
    assert len(offered) <= MOST_OFFERED
    last = typed_so_far.rpartition(" ")[2]
    for text, replaced in offered:
        assert text.lower().startswith(typed_so_far[len(typed_so_far) - replaced :].lower())
    if len(last) >= 2:
        wanted = [
            w
            for k, w in sorted(unique.items())
            if k.startswith(last.lower()) and len(w) > len(last)
        ]
        assert [text for text, _ in offered if text not in NAMES] == wanted[:MOST_OFFERED]


def _type(keys: str, known: Vocabulary | None = None) -> list[str]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text(keys)
        vocabulary = Vocabulary() if known is None else known
        return list(typed(lambda: "> ", lambda: vocabulary, InMemoryHistory()))


def test_ctrl_c_drops_the_line_and_ctrl_d_ends() -> None:
    assert _type("one\rtw\x03three\r\x04") == ["one", "three"]


def test_what_fails_or_is_interrupted_does_not_end_the_conversation(
    talk: _Talk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes: list[object] = [KeyboardInterrupt(), UnavailableIndex("x\x1b: not now"), 0, None]
    taken: list[str] = []

    def take(line: str) -> object:
        taken.append(line)
        outcome = outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def fail() -> None:
        raise ModelError("no model")

    monkeypatch.setattr(talk.chat, "take", take)
    monkeypatch.setattr(talk.engine, "load", fail)
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        pipe.send_text("a\rb\rc\rd\re\r")
        assert _converse(talk.chat, talk.engine, InMemoryHistory()) == 0
    assert taken == ["a", "b", "c", "d"]
    said = capsys.readouterr().err.splitlines()
    assert said == ["pincite: interrupted", "pincite: x\\x1b: not now"]


def test_history_is_kept_for_its_person_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    LineHistory(path).append_string("first\u2028line")
    LineHistory(path).append_string("second\r\nline\udcff")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(LineHistory(path).load_history_strings()) == ["second line?", "first line"]
    path.chmod(0o644)
    LineHistory(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_history_does_not_grow_without_end(tmp_path: Path) -> None:
    path = tmp_path / "history"
    kept = LineHistory(path, most=3)
    for number in range(10):
        kept.store_string(str(number))
    assert list(LineHistory(path, most=3).load_history_strings()) == ["9", "8", "7"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [part.name for part in tmp_path.iterdir()] == ["history"]


def test_history_that_cannot_be_kept_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidSettings, match="go without: --no-history"):
        LineHistory(tmp_path / "file" / "history")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(InvalidSettings):
        LineHistory(tmp_path / "link")
    assert (tmp_path / "file").read_text() == "x"


def test_the_pager_begins_at_the_quote_where_it_can() -> None:
    assert Pager.of("less -X").arguments(7) == ["less", "-X", "-R", "-j.3", "+7"]
    assert Pager.of("'my pager' -p").arguments(7) == ["my pager", "-p"]
    assert Pager.of(" ").words == Pager.of(None).words
    with pytest.raises(InvalidSettings, match='PAGER: is "less \'", which is no command line'):
        Pager.of("less '")


def test_a_pager_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    document = _document("text")
    made = sheet(document, cite(document, 0, 4), "place", colours=False)
    with pytest.raises(InvalidSettings, match="cannot be run"):
        Pager.of(str(tmp_path / "none")).show(made)


def test_a_citation_opens_on_the_page_of_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    document = _document("some text", "d/1")
    out = io.StringIO()
    InBrowser("http://[::1]:8000/", "my notes", Page(console(out)))(document, cite(document, 5, 9))
    wanted = "http://[::1]:8000/view/my%20notes/d%2F1?start=5&end=9"
    assert opened == [wanted]
    assert out.getvalue() == f"{wanted}\n"


def test_passages_take_the_numbers_over() -> None:
    from index.documents import Hit, Passage

    document = _document("some text")
    hit = Hit(Passage("d", 0, 4, "some"), 0.5, 0.5, 0.5)
    state = listed(answered(State(), _reply(3)), [(hit, cite(document, 0, 4))])
    assert state.citation(1) == cite(document, 0, 4)
    assert state.citation(2) is None
    assert more(state, 5)[1] == ()


@pytest.mark.slow
def test_lines_from_a_pipe_are_answered_with_the_codes_of_ask(run: Run, library: Path) -> None:
    result = run("chat", index=library, stdin=f"{BOOKS}\n1\nwhere type=pdf\nquit\nnever read\n")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[:2] == [f"> {BOOKS}", "1. A reader may borrow «12» books at a time."]
    assert any("«12» books at a time. A book is lent" in line for line in lines)
    assert lines[-1] == "> quit"
    unsaid = run("chat", "--min-confidence", "1", index=library, stdin=BOOKS)
    assert unsaid.exit_code == 1
    mistaken = run("chat", index=library, stdin="/nothing\n")
    assert (mistaken.exit_code, mistaken.stderr) == (
        2,
        "pincite: nothing: there is no such command; see: help\n",
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--top", "0"], "--top: is 0, expected from 1 to 50"),
        (["--where", "x"], "the filter 'x' is not understood"),
        (["--browser", "file:///etc"], "--browser: is 'file:///etc', expected an address"),
    ],
)
def test_options_that_cannot_work_are_refused(
    run: Run, library: Path, options: list[str], said: str
) -> None:
    result = run("chat", *options, index=library, stdin="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr

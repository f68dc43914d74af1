import json
import os
from pathlib import Path

import pytest
from service_fakes import Run

from index.local_store import LocalStore

pytestmark = pytest.mark.slow


def test_a_folder_is_indexed_and_what_is_not_read_is_listed(
    run: Run, documents: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    result = run("index", str(documents), index=index)
    assert result.exit_code == 0
    first, *rest = result.stdout.splitlines()
    assert first == f"3 added, 1 skipped; index: {index}"
    assert len(rest) == 1
    assert rest[0].startswith("skipped: ")
    assert "photo.png" in rest[0]
    assert (index / "vectors.faiss").is_file()
    again = run("index", str(documents), index=index)
    assert again.exit_code == 0
    assert again.stdout.startswith("3 unchanged, 1 skipped; ")


def test_a_changed_file_is_read_again(run: Run, tmp_path: Path) -> None:
    path, index = tmp_path / "a.txt", tmp_path / "index"
    path.write_text("The door is green.", encoding="utf-8")
    assert run("index", str(path), index=index).exit_code == 0
    path.write_text("The door is blue.", encoding="utf-8")
    body = json.loads(run("index", "--json", str(path), index=index).stdout)
    assert body["counts"] == {
        "added": 0,
        "changed": 1,
        "moved": 0,
        "copied": 0,
        "removed": 0,
        "unchanged": 0,
        "skipped": 0,
        "failed": 0,
    }
    assert body["outcomes"][0]["name"] == str(path)


def test_a_named_file_that_cannot_be_read_is_a_mistake_and_the_others_go_in(
    run: Run, documents: Path, tmp_path: Path
) -> None:
    names = [str(documents / name) for name in ("pool.txt", "photo.png", "none.txt")]
    result = run("index", *names, index=tmp_path / "index")
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert lines[0].startswith("1 added, 2 failed; ")
    assert "photo.png: looks like a PNG image" in lines[1] + lines[2]
    assert "none.txt: no such file or folder" in lines[1] + lines[2]


@pytest.mark.parametrize("name", ["none.txt", "photo.png", "empty", "*.pdf"])
def test_no_index_is_left_behind_where_nothing_could_be_indexed(
    run: Run, documents: Path, tmp_path: Path, name: str
) -> None:
    (documents / "empty").mkdir(exist_ok=True)
    index = tmp_path / "index"
    result = run("index", str(documents / name), index=index)
    assert result.exit_code == 2
    assert result.stdout.splitlines()[0] == "1 failed; no index was made"
    assert not index.exists()
    (documents / "empty").rmdir()


def test_an_index_that_was_there_stays_where_nothing_could_be_indexed(
    run: Run, library: Path
) -> None:
    assert run("index", "/no/such/file", index=library).exit_code == 2
    assert run("list", index=library).exit_code == 0


def test_a_quoted_pattern_is_expanded(run: Run, documents: Path, tmp_path: Path) -> None:
    result = run("index", str(documents / "*.txt"), index=tmp_path / "index")
    assert result.stdout.startswith("1 added; ")


def test_a_folder_with_other_things_is_not_made_an_index(
    run: Run, documents: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("x", encoding="utf-8")
    result = run("index", str(documents), index=tmp_path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "holds other things" in result.stderr
    assert (tmp_path / "mine.txt").exists()


def test_an_interrupted_run_says_that_what_is_stored_stays(
    run: Run, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    run("index", str(documents / "pool.txt"), index=index)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalStore, "put", interrupt)
    result = run("index", str(documents), index=index)
    assert result.exit_code == 130
    assert result.stderr == (
        "pincite: interrupted; stored so far: 0, which stay; run the command again to go on\n"
    )
    assert len(json.loads(run("list", "--json", index=index).stdout)["documents"]) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_file_names_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    index = tmp_path / "index"
    name = "a\x1b[31mb\nc\u202ed.txt"
    (tmp_path / name).write_text("The safe is under the stairs.", encoding="utf-8")
    shown = "a\\x1b[31mb\\nc\\u202ed.txt"
    bad = tmp_path / name.replace(".txt", ".png")
    bad.write_bytes(b"\x89PNG\r\n\x1a\n\0")
    outputs = [
        run("index", str(tmp_path / name), str(bad), index=index),
        run("list", index=index),
        run("ask", "Where is the safe?", index=index),
        run("search", "safe", index=index),
        run("show", str(tmp_path / name), index=index),
        run("show", str(bad), index=index),
    ]
    for result in outputs:
        for char in ("\x1b", "\u202e"):
            assert char not in result.output
    assert shown in outputs[1].stdout
    assert shown in outputs[2].stdout
    assert shown.replace(".txt", ".png") in outputs[0].stdout
    assert len(outputs[5].stderr.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such file names")
def test_a_file_name_need_not_be_valid_text(run: Run, tmp_path: Path) -> None:
    index = tmp_path / "index"
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - the name is bytes
        file.write("Coffee costs 3 pounds.")
    result = run("index", str(tmp_path), index=index)
    assert result.exit_code == 0, result.output
    assert "/caf" in run("list", index=index).stdout
    body = json.loads(run("list", "--json", index=index).stdout)
    assert body["documents"][0]["uri"].endswith("caf%E9.txt")


def test_documents_are_removed_all_or_none(run: Run, documents: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    run("index", str(documents), index=index)
    pool, menu = str(documents / "pool.txt"), str(documents / "menu.html")
    refused = run("remove", pool, "/no/such/file", index=index)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith("pincite: /no/such/file: ")
    body = json.loads(run("list", "--json", index=index).stdout)
    assert len(body["documents"]) == 3
    result = run("remove", pool, menu, pool, index=index)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    assert len(json.loads(run("list", "--json", index=index).stdout)["documents"]) == 1
    assert (documents / "pool.txt").exists()


def test_an_index_is_made_anew_with_other_passages_and_back(
    run: Run, documents: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    run("index", str(documents), index=index)
    refused = run("index", "--passage-tokens", "40", str(documents), index=index)
    assert refused.exit_code == 2
    assert "pincite reindex --passage-tokens 40 --overlap-tokens 8" in refused.stderr
    result = run("reindex", "--passage-tokens", "40", "--json", index=index)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["splitter"]["tokens"] == 40
    assert run("doctor", index=index).exit_code == 0
    assert run("index", "--passage-tokens", "40", str(documents), index=index).exit_code == 0
    bad = run("reindex", "--passage-tokens", "4000", index=index)
    assert bad.exit_code == 2
    assert json.loads(run("status", "--json", index=index).stdout)["splitter"]["tokens"] == 40
    back = run("reindex", "--rollback", index=index)
    assert (back.exit_code, back.stdout) == (0, "3 documents cut into 4 passages\n")
    assert json.loads(run("status", "--json", index=index).stdout)["splitter"]["tokens"] == 160
    mixed = run("reindex", "--rollback", "--passage-tokens", "40", index=index)
    assert mixed.exit_code == 2


def test_there_must_be_something_to_go_back_to(run: Run, library: Path) -> None:
    result = run("reindex", "--rollback", index=library)
    assert result.exit_code == 2
    assert "no earlier edition" in result.stderr


def test_an_interrupted_reindexing_is_shown_and_gone_on_with(
    run: Run, documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    run("index", str(documents), index=index)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "fill", interrupt)
        result = run("reindex", "--passage-tokens", "40", index=index)
    assert result.exit_code == 130
    assert "0 of 3 documents, which are kept; the index is as before" in result.stderr
    assert json.loads(run("status", "--json", index=index).stdout)["building"] == {
        "embedder": "all-MiniLM-L6-v2",
        "splitter": {"tokens": 40, "overlap": 8, "version": 1},
        "done": 0,
        "documents": 3,
    }
    assert "0 of 3 documents" in run("status", index=index).stdout
    assert run("ask", "How long is the pool?", index=index).exit_code == 0
    again = run("reindex", "--passage-tokens", "40", index=index)
    assert again.exit_code == 0
    assert again.stderr == "Going on where it was: 0 of 3 documents are done\n"
    assert json.loads(run("status", "--json", index=index).stdout)["building"] is None

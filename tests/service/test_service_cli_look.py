import json
from pathlib import Path

import pytest
from service_fakes import Run

from index.local_store import FAISS_FILE
from service.host.names import is_loopback

pytestmark = pytest.mark.slow


def test_status_says_what_the_index_holds_and_was_made_with(run: Run, library: Path) -> None:
    body = json.loads(run("status", "--json", index=library).stdout)
    assert body["index"] == str(library)
    assert body["documents"] == 3
    assert body["embedder"]["name"] == "all-MiniLM-L6-v2"
    assert body["splitter"] == {"tokens": 160, "overlap": 32, "version": 1}
    assert body["bytes"] >= (library / "catalog.sqlite").stat().st_size
    plain = run("status", index=library).stdout
    assert "all-MiniLM-L6-v2" in plain
    assert f"passages      {body['passages']}" in plain


def test_what_could_not_be_read_is_kept_and_shown(
    run: Run, documents: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    empty = tmp_path / "docs" / "empty.txt"
    empty.parent.mkdir()
    empty.write_bytes(b"")
    run("index", str(documents), str(empty.parent), index=index)
    assert json.loads(run("status", "--json", index=index).stdout)["failed"] == 1
    assert "1 (see them: pincite status --failed)" in run("status", index=index).stdout
    body = json.loads(run("status", "--failed", "--json", index=index).stdout)
    reasons = {Path(f["uri"]).name: (f["reason"], f["unsupported"]) for f in body["failures"]}
    assert set(reasons) == {"empty.txt", "photo.png"}
    assert reasons["empty.txt"][0].startswith(f"{empty}: is empty")
    assert [unsupported for _, unsupported in reasons.values()].count(True) == 1
    first, second = run("status", "--failed", index=index).stdout.splitlines()
    assert first.startswith(f"failed: {empty}: is empty")
    assert second.startswith("skipped: ")
    empty.write_text("The door is blue.", encoding="utf-8")
    run("sync", str(empty.parent), index=index)
    assert json.loads(run("status", "--json", index=index).stdout)["failed"] == 0


def test_formats_are_listed_without_an_index(run: Run, tmp_path: Path) -> None:
    body = json.loads(run("formats", "--json").stdout)
    by_type = {found["media_type"]: found for found in body["formats"]}
    assert by_type["application/pdf"]["suffixes"] == [".pdf"]
    assert {"text/plain", "text/markdown", "message/rfc822", "application/zip"} <= set(by_type)
    plain = run("formats").stdout
    assert len(plain.splitlines()) == len(by_type)
    assert ".docx" in plain


def test_a_list_has_every_document(run: Run, library: Path) -> None:
    plain = run("list", index=library).stdout
    body = json.loads(run("list", "--json", index=library).stdout)
    assert body["documents"][0]["title"] == "Library rules"
    for item in body["documents"]:
        assert item["id"] in plain
    assert "1 passage)" in plain


def test_a_document_is_shown_by_id_prefix_path_or_uri(
    run: Run, library: Path, documents: Path
) -> None:
    path = documents / "library.md"
    shown = json.loads(run("show", str(path), "--json", index=library).stdout)
    for name in (shown["id"], shown["id"][:6], shown["uri"]):
        assert json.loads(run("show", name, "--json", index=library).stdout) == shown
    plain = run("show", str(path), index=library).stdout
    assert "section Library rules › Loans: characters " in plain
    assert plain.endswith(shown["text"] + "\n")
    for section in shown["sections"]:
        assert shown["text"][section["start"] :].startswith(section["path"][-1])


def test_the_doctor_finds_a_sound_index_sound(run: Run, library: Path) -> None:
    result = run("doctor", index=library)
    assert result.exit_code == 0
    assert {line.split()[0] for line in result.stdout.splitlines()} == {"ok"}
    assert json.loads(run("doctor", "--json", index=library).stdout)["ok"] is True


def test_the_doctor_finds_what_is_wrong(run: Run, documents: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    run("index", str(documents / "pool.txt"), index=index)
    (index / FAISS_FILE).write_bytes(b"not an index")
    result = run("doctor", index=index)
    assert result.exit_code == 3
    assert "WRONG faiss" in result.stdout
    (index / "catalog.sqlite").write_bytes(b"x" * 5000)
    for extra in index.glob("catalog.sqlite-*"):
        extra.unlink()
    result = run("doctor", "--json", index=index)
    assert result.exit_code == 3
    assert json.loads(result.stdout)["ok"] is False


def test_the_doctor_says_where_there_is_no_index(run: Run, tmp_path: Path) -> None:
    result = run("doctor", index=tmp_path / "none")
    assert (result.exit_code, result.stdout) == (2, "")


def test_models_are_listed_with_or_without_an_index(
    run: Run, library: Path, tmp_path: Path
) -> None:
    for index in (library, tmp_path / "none"):
        body = json.loads(run("models", "--json", index=index).stdout)
        assert [(m["kind"], m["in_use"]) for m in body["models"]] == [
            ("embedder", True),
            ("reader", True),
        ]
        for model in body["models"]:
            assert len(model["checksum"]) == 64
            assert Path(model["folder"], "model.onnx").is_file()
            assert model["licence"]
    plain = run("models", index=library).stdout
    assert "licence  Apache-2.0" in plain


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.168.0.4", False),
        ("localhost.example", False),
    ],
)
def test_only_addresses_of_this_machine_are_local(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_serving_other_machines_must_be_meant(run: Run, library: Path) -> None:
    result = run("serve", "--host", "0.0.0.0", index=library)  # noqa: S104
    assert result.exit_code == 2
    assert "pincite keys create" in result.stderr
    assert "--without-keys" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_so_must_serving_them_through_a_proxy(
    run: Run, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINCITE_TRUSTED_PROXIES", "127.0.0.1")
    result = run("serve", "--port", "0", index=library)
    assert result.exit_code == 2
    assert "pincite keys create" in result.stderr


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_is_none_is_refused(run: Run, library: Path, port: str) -> None:
    result = run("serve", "--port", port, index=library)
    assert result.exit_code == 2
    assert "expected from 0 to 65535" in result.stderr


def test_a_bad_variable_is_a_mistake(
    run: Run, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINCITE_PORT", "x")
    result = run("status", index=library)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("pincite: PINCITE_PORT: is 'x', expected ")

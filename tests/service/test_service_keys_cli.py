"""`pincite keys`: made, listed and revoked on the command line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from service_fakes import Run, fake_server

from index.errors import InvalidSettings
from service.commands.keys import when
from service.host.keys import Scope
from service.settings import Settings

NOW = datetime(2026, 3, 2, 9, 14, 7, tzinfo=UTC)


def test_a_key_is_made_shown_once_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    index = tmp_path / "index"
    made = run("keys", "create", "the intranet", "--expires", "90d", index=index)
    assert made.exit_code == 0
    whole = made.stdout.strip()
    assert made.stderr.splitlines() == [
        "This is the only time it is shown; keep it where secrets are kept.",
        f"It is the first key for {index}: from now on its server asks for one.",
    ]
    second = run("keys", "create", "ops", "--scope", "admin", "--per-minute", "9", index=index)
    assert "first" not in second.stderr
    listed = run("keys", "list", index=index).stdout
    key_id = whole.split("_")[1]
    assert whole.split("_")[2] not in listed
    assert [line.split()[0] for line in listed.splitlines()][:1] == ["ID"]
    row = next(line for line in listed.splitlines() if key_id in line)
    assert row.split()[1:3] == ["read", "valid"]
    assert row.endswith("all          the intranet")
    revoked = run("keys", "revoke", key_id, index=index)
    assert (revoked.exit_code, revoked.stdout) == (0, "")
    states = {
        key["name"]: (key["state"], key["scope"], key["per_minute"])
        for key in json.loads(run("keys", "list", "--json", index=index).stdout)["keys"]
    }
    assert states == {"the intranet": ("revoked", "read", None), "ops": ("valid", "admin", 9)}


def test_what_the_command_makes_and_revokes_holds_at_once_in_a_running_server(
    run: Run, tmp_path: Path
) -> None:
    server = fake_server(Settings(index=tmp_path / "index"))
    assert server.is_open
    server.collections.create("hr")
    made = run(
        *("keys", "create", "a", "--scope", "write", "--collection", "hr", "--json"),
        index=tmp_path / "index",
    )
    body = json.loads(made.stdout)
    assert not server.is_open
    key = server.keys.find(body["key"])
    assert key is not None
    assert (key.scope, key.collections) == (Scope.WRITE, {"hr"})
    assert body["collections"] == ["hr"]
    json_revoked = run("keys", "revoke", key.id, "--json", index=tmp_path / "index")
    assert json.loads(json_revoked.stdout)["state"] == "revoked"
    assert server.keys.find(body["key"]) is None
    server.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "a", "--collection", "hr"], "--collection hr: there is none of this name"),
        (["create", "a", "--expires", "soon"], "--expires: is 'soon', expected a span such as"),
        (["create", "a", "--per-minute", "0"], "expected 1 or more"),
        (["create", ""], "from 1 to 100 characters"),
        (["revoke", "abc"], "abc: no key has this id; see: pincite keys list"),
    ],
)
def test_a_mistake_is_one_line(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    index = tmp_path / "index"
    assert run("keys", "create", "first", index=index).exit_code == 0
    result = run("keys", *arguments, index=index)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    listed = json.loads(run("keys", "list", "--json", index=index).stdout)
    assert [key["name"] for key in listed["keys"]] == ["first"]


@pytest.mark.parametrize("arguments", [["list"], ["revoke", "abc"]])
def test_where_there_is_no_server_none_is_made_by_looking(
    run: Run, tmp_path: Path, arguments: list[str]
) -> None:
    index = tmp_path / "index"
    result = run("keys", *arguments, index=index)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "pincite keys create" in result.stderr
    assert not index.exists()


def test_a_name_cannot_steer_the_terminal(run: Run, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert run("keys", "create", "a\x1b[2Jb", index=index).exit_code == 2
    assert run("keys", "create", "päivä", index=index).exit_code == 0
    assert "päivä" in run("keys", "list", index=index).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("12h", NOW + timedelta(hours=12)),
        ("90d", NOW + timedelta(days=90)),
        ("4w", NOW + timedelta(weeks=4)),
        ("2036-01-31", datetime(2036, 1, 31, tzinfo=UTC)),
    ],
)
def test_when_a_key_expires(words: str, expected: datetime) -> None:
    assert when(words, NOW) == expected


@pytest.mark.parametrize("words", ["", "90", "0d", "-1d", "1y", "2036-02-30", "9999999d", "٩d"])
def test_what_is_no_time(words: str) -> None:
    with pytest.raises(InvalidSettings, match="--expires"):
        when(words, NOW)


def test_an_audit_line_tells_of_keys_made_and_revoked(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = tmp_path / "audit.jsonl"
    monkeypatch.setenv("PINCITE_AUDIT_LOG", str(trail))
    whole = run("keys", "create", "a", index=tmp_path / "index").stdout.strip()
    key_id = whole.split("_")[1]
    run("keys", "revoke", key_id, index=tmp_path / "index")
    lines = [json.loads(line) for line in trail.read_text(encoding="utf-8").splitlines()]
    assert [line["action"] for line in lines] == ["key.create", "key.revoke"]
    assert [line.get("made") or line.get("revoked") for line in lines] == [key_id, key_id]
    assert whole.split("_")[2] not in trail.read_text(encoding="utf-8")

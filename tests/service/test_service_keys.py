"""Keys: what they look like, what they open, and what is kept of them."""

import re
import string
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_fakes import fake_server

from index.errors import InvalidSettings
from service.errors import UnknownKey
from service.host.keys import Keys, Scope, is_well_formed
from service.host.state import State
from service.settings import Settings
from tests.paths import ROOT

FORM = re.compile(r"pincite_[0-9a-f]{12}_[0-9A-Za-z]{49}")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    made = State.open(tmp_path / "server")
    yield made
    made.close()


@pytest.fixture
def keys(state: State) -> Keys:
    return Keys(state)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Keys, str]]:
    state = State.open(tmp_path_factory.mktemp("keys"))
    keys = Keys(state)
    yield keys, keys.create("reader", Scope.READ)[1]
    state.close()


def test_a_key_opens_what_it_was_made_for(keys: Keys) -> None:
    key, whole = keys.create("the intranet", Scope.WRITE, ["b", "a"], per_minute=90)
    found = keys.find(whole)
    assert found is not None
    assert (found.id, found.name, found.scope) == (key.id, "the intranet", Scope.WRITE)
    assert found.collections == {"a", "b"}
    assert found.per_minute == 90
    assert whole.split("_")[:2] == ["pincite", key.id]
    assert FORM.fullmatch(whole)
    assert is_well_formed(whole)


def test_the_form_of_a_key_is_told_where_scanners_are_set_up() -> None:
    assert f"`{FORM.pattern}`" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_no_two_keys_are_alike(keys: Keys) -> None:
    made = [keys.create("same", Scope.READ)[1] for _ in range(50)]
    assert len({whole.split("_")[1] for whole in made}) == 50
    assert len({whole.split("_")[2] for whole in made}) == 50


def test_the_secret_is_nowhere_in_the_servers_folder(keys: Keys, state: State) -> None:
    _, whole = keys.create("reader", Scope.READ)
    secret = whole.split("_")[2][:43].encode()
    assert keys.find(whole) is not None
    for file in state.path.parent.iterdir():
        assert secret not in file.read_bytes()


@given(data=st.data())
def test_a_slip_of_the_hand_is_told_by_the_check(
    standing: tuple[Keys, str], data: st.DataObject
) -> None:
    keys, whole = standing
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + "_ -\n"))
    typed = data.draw(
        st.sampled_from(
            [
                whole[:place] + other + whole[place + 1 :],
                whole[:place] + whole[place + 1 :],
                whole[:place] + other + whole[place:],
                whole[:place],
            ]
        )
    )
    assert is_well_formed(typed) == (typed == whole)
    assert (keys.find(typed) is not None) == (typed == whole)


@given(presented=st.text())
def test_nothing_that_is_presented_is_an_error(standing: tuple[Keys, str], presented: str) -> None:
    assert standing[0].find(presented) is None
    assert not is_well_formed(presented)


def test_a_wrong_secret_and_an_unknown_id_open_nothing(keys: Keys, tmp_path: Path) -> None:
    elsewhere = State.open(tmp_path / "other")
    _, foreign = Keys(elsewhere).create("reader", Scope.ADMIN)
    elsewhere.close()
    key, whole = keys.create("reader", Scope.READ)
    assert keys.find(foreign) is None
    rows = keys.all()
    assert [row.id for row in rows] == [key.id]
    assert keys.find(whole) is not None


def test_the_digest_is_compared_also_where_no_key_has_the_id(
    keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def compare(left: str, right: str) -> bool:
        compared.append((len(left), len(right)))
        return left == right

    monkeypatch.setattr("service.host.keys.hmac.compare_digest", compare)
    elsewhere = State.open(tmp_path / "other")
    _, foreign = Keys(elsewhere).create("reader", Scope.READ)
    elsewhere.close()
    _, own = keys.create("reader", Scope.READ)
    assert keys.find(foreign) is None
    assert keys.find(own) is not None
    assert compared == [(64, 64), (64, 64)]


def test_a_revoked_key_opens_nothing_at_once_also_from_elsewhere(keys: Keys, state: State) -> None:
    key, whole = keys.create("reader", Scope.READ)
    assert keys.find(whole) is not None
    another_process = State.open(state.path.parent)
    Keys(another_process).revoke(key.id)
    another_process.close()
    assert keys.find(whole) is None
    assert keys.get(key.id) is None
    first = keys.all()[0].revoked_at
    assert first is not None
    keys.revoke(key.id)
    assert keys.all()[0].revoked_at == first
    with pytest.raises(UnknownKey, match="pincite keys list"):
        keys.revoke("0123456789ab")


def test_a_key_expires(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = datetime.now(UTC) + timedelta(days=90)
    key, whole = keys.create("reader", Scope.READ, expires_at=soon)
    assert key.expires_at is not None
    assert key.is_valid(soon - timedelta(seconds=2))
    assert not key.is_valid(soon)
    assert keys.find(whole) is not None

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return soon

    monkeypatch.setattr("service.host.keys.datetime", Later)
    assert keys.find(whole) is None
    assert keys.get(key.id) is None
    assert not keys.any_valid()
    assert keys.any_made()


def test_when_a_key_was_last_used_is_written_down_once_in_a_while(keys: Keys, state: State) -> None:
    key, whole = keys.create("reader", Scope.READ)
    assert keys.all()[0].last_used_at is None
    keys.find(whole)
    first = keys.all()[0].last_used_at
    assert first is not None
    changes = state.rows("SELECT total_changes() AS n")[0]["n"]
    for _ in range(20):
        keys.find(whole)
        keys.get(key.id)
    assert state.rows("SELECT total_changes() AS n")[0]["n"] == changes
    with state.transaction() as connection:
        connection.execute("UPDATE keys SET last_used_at = '2020-01-01T00:00:00Z'")
    keys.find(whole)
    found = keys.all()[0].last_used_at
    assert found is not None
    assert found >= first


@pytest.mark.parametrize(
    ("name", "collections", "per_minute", "days", "said"),
    [
        ("", None, None, None, "from 1 to 100 characters"),
        ("x" * 101, None, None, None, "from 1 to 100 characters"),
        ("a\nb", None, None, None, "on one line"),
        ("a\x1b[31m", None, None, None, "on one line"),
        ("a\u202eb", None, None, None, "on one line"),
        ("a", [], None, None, "no collection"),
        ("a", None, 0, None, "1 or more"),
        ("a", None, None, -1, "expired already"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    keys: Keys,
    name: str,
    collections: list[str] | None,
    per_minute: int | None,
    days: int | None,
    said: str,
) -> None:
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with pytest.raises(InvalidSettings, match=said):
        keys.create(name, Scope.READ, collections, per_minute=per_minute, expires_at=expires)
    assert not keys.any_made()


def test_keys_are_found_from_several_threads(keys: Keys) -> None:
    made = [keys.create(f"key {number}", Scope.READ) for number in range(8)]
    wrong: list[str] = []

    def look(whole: str, key_id: str) -> None:
        for _ in range(50):
            found = keys.find(whole)
            if found is None or found.id != key_id:
                wrong.append(key_id)

    threads = [threading.Thread(target=look, args=(whole, key.id)) for key, whole in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_later_collection_of_the_same_name_is_not_opened_by_old_keys(tmp_path: Path) -> None:
    server = fake_server(Settings(index=tmp_path / "index"))
    server.collections.create("hr")
    _, only = server.keys.create("only", Scope.READ, ["hr"])
    _, both = server.keys.create("both", Scope.READ, ["hr", "default"])
    _, everything = server.keys.create("all", Scope.READ)
    server.collections.remove("hr", 1)
    server.collections.create("hr")
    assert server.keys.find(only) is None
    left = server.keys.find(both)
    assert left is not None
    assert left.collections == {"default"}
    opens_all = server.keys.find(everything)
    assert opens_all is not None
    assert opens_all.collections is None
    server.close()


@pytest.mark.parametrize("scope", list(Scope))
def test_each_scope_includes_those_before_it(scope: Scope) -> None:
    order = list(Scope)
    for other in order:
        assert scope.includes(other) == (order.index(other) <= order.index(scope))

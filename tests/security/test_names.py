"""By which names the server answers, and to which pages."""

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from index.errors import InvalidSettings
from service.host.names import is_known, own_names, trusted_proxies
from service.http.origins import is_foreign, is_ours
from service.settings import Settings

NAMES = frozenset({"localhost", "docs.example"})


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True),
        ("LocalHost:8000", True),
        ("localhost.", True),
        ("docs.example:443", True),
        ("127.0.0.1", True),
        ("192.168.1.9:8000", True),
        ("[::1]", True),
        ("[fe80::1]:8000", True),
        ("", False),
        (":8000", False),
        ("localhost..", False),
        ("evil.example", False),
        ("docs.example.evil.example", False),
        ("evil.example:80:127.0.0.1", False),
        ("127.0.0.1.evil.example", False),
        ("localhost@evil.example", False),
        ("localhost/evil.example", False),
        ("::1", False),
        ("[127.0.0.1]", False),
        ("[localhost]", False),
        ("0x7f000001", False),
        ("2130706433", False),
        ("127.1", False),
        ("localhost:80a", False),
        ("localhost:٨", False),
    ],
)
def test_only_our_names_and_addresses_are_known(host: str, known: bool) -> None:
    assert is_known(host, NAMES) is known


@given(label=st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True), known=st.sampled_from([*NAMES]))
def test_no_name_that_someone_else_can_register_is_known(label: str, known: str) -> None:
    for other in (f"{known}.{label}.example", f"{label}.{known}", f"{label}.example"):
        assert is_known(other, NAMES) == (other in NAMES)


def test_on_loopback_the_machines_name_is_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Mill.lan")
    assert own_names(Settings()) == {"localhost", "127.0.0.1"}
    beyond = own_names(Settings(host="0.0.0.0", allowed_hosts=("Docs.Example",)))  # noqa: S104
    assert beyond == {"localhost", "0.0.0.0", "docs.example", "mill.lan", "mill", "mill.local"}  # noqa: S104
    assert "pincite.example" in own_names(Settings(host="pincite.example"))


def test_proxies_are_networks() -> None:
    given = Settings(index=Path("i"), trusted_proxies=("10.0.0.1", "10.1.2.3/8", "fd00::/8"))
    assert trusted_proxies(given) == ["10.0.0.1/32", "10.0.0.0/8", "fd00::/8"]
    for wrong in ("999.1.1.1", "10.0.0.0/64", "1:2:3"):
        with pytest.raises(InvalidSettings, match="trusted_proxies"):
            trusted_proxies(Settings(trusted_proxies=(wrong,)))


def _headers(**found: str) -> Headers:
    return Headers({"host": "localhost:8000", **{k.replace("_", "-"): v for k, v in found.items()}})


SITES = ["cross-site", "same-site", "same-origin", "none"]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_pages_elsewhere_may_link_here_and_load_nothing(method: str, site: str) -> None:
    elsewhere = site in ("cross-site", "same-site")
    link = _headers(sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="document")
    assert not is_foreign(method, link)
    for mode, kind in (
        ("no-cors", "image"),
        ("no-cors", "script"),
        ("cors", "empty"),
        ("navigate", "iframe"),
        ("navigate", "object"),
        ("websocket", "empty"),
    ):
        loaded = _headers(sec_fetch_site=site, sec_fetch_mode=mode, sec_fetch_dest=kind)
        assert is_foreign(method, loaded) is elsewhere


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
def test_pages_elsewhere_change_nothing(method: str) -> None:
    assert not is_foreign(method, _headers())
    assert not is_foreign(method, _headers(origin="http://localhost:8000"))
    assert not is_foreign(method, _headers(sec_fetch_site="same-origin"))
    for found in (
        {"origin": "http://localhost:8001"},
        {"origin": "http://localhost"},
        {"origin": "null"},
        {"origin": "http://["},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "http://localhost:8000"},
        {
            "sec_fetch_site": "cross-site",
            "sec_fetch_mode": "navigate",
            "sec_fetch_dest": "document",
        },
    ):
        assert is_foreign(method, _headers(**found))
        assert not is_ours(_headers(**found))


@given(
    origin=st.none() | st.text() | st.sampled_from(["null", "http://localhost:8000", "http://["]),
    site=st.none() | st.sampled_from(SITES) | st.text(),
)
def test_what_is_ours_is_never_foreign(origin: str | None, site: str | None) -> None:
    found = {"host": "localhost:8000"}
    if origin is not None:
        found["origin"] = origin
    if site is not None:
        found["sec-fetch-site"] = site
    raw = [(name.encode(), value.encode("utf-8", "replace")) for name, value in found.items()]
    headers = Headers(raw=raw)
    if is_ours(headers):
        assert not is_foreign("POST", headers)
        assert site is not None or origin == "http://localhost:8000"

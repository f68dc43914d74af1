"""A browser's window, watched: what goes wrong in it is kept."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


def chromium() -> str | None:
    """Where Chromium is, if it is."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """Chromium without a screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=_FLAGS)
        yield browser
        browser.close()


class Browsing:
    """A window of a person's own: cookies and storage are not shared with others.

    `wrong` holds what went wrong in it: errors of scripts, refusals by the policy, dialogs, and
    requests to other servers.
    """

    def __init__(
        self,
        browser: Browser,
        *,
        dark: bool = False,
        phone: bool = False,
        scripts: bool = True,
        **options: Any,
    ) -> None:
        self.context = browser.new_context(
            color_scheme="dark" if dark else "light",
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
            java_script_enabled=scripts,
            reduced_motion="reduce",
            **options,
        )
        self.wrong: list[str] = []
        # Statuses that a test means to see.
        self.expected: set[int] = set()
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)

    def go(self, address: str) -> Page:
        """The page at an address, once it is there."""
        self.page.goto(address)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def close(self) -> None:
        """Close the window."""
        self.context.close()

    def _console(self, message: ConsoleMessage) -> None:
        told = f"console: {message.text}"
        if message.type == "error" and not any(
            f"status of {one} " in told for one in self.expected
        ):
            self.wrong.append(told)

    def _dialog(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data") and parts.hostname not in (
            "127.0.0.1",
            "localhost",
        ):
            self.wrong.append(f"request: {request.url}")


# Opens a window; takes what `Browsing` does.
Browse = Callable[..., Browsing]


def kept(page: Page, name: str, *, full: bool = False) -> Path:
    """A screenshot, kept as an artefact: in the folder PINCITE_SCREENSHOTS, or a temporary one."""
    named = os.environ.get("PINCITE_SCREENSHOTS")
    folder = Path(named) if named else Path(tempfile.gettempdir()) / "pincite-pages"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=path, full_page=full)
    return path


def violations(page: Page) -> str:
    """What axe-core finds wrong with a page, of what is folded away too; nothing if all is well."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    results = Axe().run(page)
    return str(results.generate_report()) if results.violations_count else ""

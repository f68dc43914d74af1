"""Takes the README's screenshots of the page: `python tests/browser/take_screenshots.py`."""

import io
import json
import sys
import tempfile
import uuid
from pathlib import Path
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from browsing import Browsing, launched  # noqa: E402
from PIL import Image  # noqa: E402
from serving import Served, command, serving  # noqa: E402

FOLDER = Path(__file__).parent / "screenshots"
QUESTION = "How long is the warranty on the Corvella Duo 58?"
MOST_BYTES = 150_000


def main() -> None:
    """Add the sample documents to a server as a person would, and take its picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "none.txt"
        empty.write_text("Nothing.\n", encoding="utf-8")
        index = Path(folder) / "index"
        command("index", "--index", str(index), str(empty))
        with serving(index) as served, launched() as browser:
            [first] = served.get("/v1/documents")["documents"]
            _sent(served, "DELETE", f"/v1/documents/{first['id']}")
            for path in sorted((ROOT / "seeds").iterdir()):
                if path.suffix in (".pdf", ".md", ".html", ".txt"):
                    _upload(served, path)
            window = Browsing(browser)
            page = window.go(served.address)
            page.locator("#q").fill(QUESTION)
            page.locator("#q").press("Enter")
            page.locator("#results[aria-busy=false]").wait_for()
            page.evaluate("document.activeElement.blur()")
            _keep(page.screenshot(), "ask")
            page.locator("a.source").first.click()
            page.locator("#quote").wait_for()
            page.evaluate("document.querySelector('.sheet img').decode()")
            _keep(page.screenshot(), "view")
            window.go(f"{served.address}/documents")
            _keep(page.screenshot(), "documents")
            window.close()


def _upload(served: Served, path: Path) -> None:
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name=file; filename="{path.name}"\r\n\r\n'
    )
    body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Prefer": "wait=60"}
    job = _sent(served, "POST", "/v1/documents", body, headers)
    assert json.loads(job)["state"] == "done", job


def _sent(
    served: Served,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    request = Request(served.address + path, body, headers or {}, method=method)  # noqa: S310
    with urlopen(request, timeout=90) as response:  # noqa: S310 - our own
        return bytes(response.read())


def _keep(png: bytes, name: str) -> None:
    """Keep a screenshot, with as few colours as it needs."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    path = FOLDER / f"{name}.png"
    picture.quantize(200, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    assert size <= MOST_BYTES, f"{path.name}: {size:,} bytes"
    print(f"{path.name}: {size:,} bytes")


if __name__ == "__main__":
    main()

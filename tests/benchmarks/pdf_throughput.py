"""Characters a second: reading a PDF, beside PDFium's plain text of it, and the most memory.

    python tests/benchmarks/pdf_throughput.py [FILE] [--pages 600] [--rounds 3]

Without a file, one is made: pages of 60 lines, every tenth with a table. Both readings run in turn
in a process of their own, so a machine whose speed drifts is as hard on one as on the other; the
ratio to quote is the median.
"""

import argparse
import io
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
WORDS = "residents park without limit zone permit warranty handbook river temperature of the in a"


def make(pages: int) -> bytes:
    """A file of so many pages, full of text."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    choose = random.Random(7)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=True)
    for page in range(pages):
        canvas.setFont("Helvetica-Bold", 14)
        canvas.drawString(60, 800, f"Section {page + 1}")
        canvas.setFont("Helvetica", 9)
        for line in range(60):
            top = 780 - 12 * line
            if page % 10 == 0 and line >= 40:
                for left, text in (
                    (60, choose.choice(WORDS.split())),
                    (200, f"{line}.5"),
                    (340, "24 months"),
                ):
                    canvas.drawString(left, top, text)
                continue
            text = ""
            while len(text) < 95:
                text += choose.choice(WORDS.split()) + " "
            canvas.drawString(60, top, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def plain(path: Path) -> int:
    """Characters of PDFium's own text of a file."""
    import pypdfium2

    total = 0
    with pypdfium2.PdfDocument(path) as document:
        for page in document:
            text_page = page.get_textpage()
            total += len(text_page.get_text_range())
            text_page.close()
            page.close()
    return total


def whole(path: Path) -> int:
    """Characters of the canonical text of a file, each with its place."""
    from index.extract.pdf import read
    from index.extract.source import Budget, Limits, Source

    source = Source(path.read_bytes(), path.name, Budget(Limits(), path.name))
    return len(read(source).text)


def measure(way: str, path: Path) -> dict[str, float]:
    """Run one reading in a process of its own."""
    arguments = [sys.executable, __file__, str(path), "--way", way]
    result = subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(result.stdout)
    return found


def main() -> None:
    """Run the command that the module's docstring shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--pages", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=["plain", "whole"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way is not None:
        sys.path.insert(0, str(ROOT))
        began = time.perf_counter()
        characters = (plain if arguments.way == "plain" else whole)(arguments.file)
        seconds = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"characters": characters, "seconds": seconds, "mib": memory}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        path = arguments.file
        if path is None:
            path = Path(scratch) / "made.pdf"
            path.write_bytes(make(arguments.pages))
        import pypdfium2

        with pypdfium2.PdfDocument(path) as document:
            pages = len(document)
        ratios = []
        for _ in range(arguments.rounds):
            beside, found = measure("plain", path), measure("whole", path)
            ratios.append(found["seconds"] / beside["seconds"])
            print(
                f"{pages} pages, {found['characters']:,.0f} characters: "
                f"{found['characters'] / found['seconds']:,.0f} characters/s, "
                f"{pages / found['seconds']:,.1f} pages/s, peak {found['mib']:,.0f} MiB; "
                f"PDFium's plain text {beside['seconds']:.2f} s, peak {beside['mib']:,.0f} MiB; "
                f"{ratios[-1]:.1f} times its time"
            )
        print(f"median {statistics.median(ratios):.1f} times the time of PDFium's plain text")


if __name__ == "__main__":
    main()

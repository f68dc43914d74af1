"""Where the tests find what ships with the project."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
SEEDS = ROOT / "seeds"
EMBEDDER = ROOT / "index" / "bundled" / "all-MiniLM-L6-v2"
READER = ROOT / "qa" / "bundled" / "reader-v0"

"""Kill what works on an index, again and again: python tests/kill/kill_test.py --rounds 200.

Each round changes a folder at random, starts `sync`, `watch` or `reindex` on it, and kills that
after a random time with SIGKILL. Then the doctor must find nothing, no text that was removed may be
found, and the next sync must complete and leave exactly what the folder holds. Most rounds run the
work with an embedder that needs no model (`work.py`); with --command, some run the commands.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from index import doctor
from index.errors import NoIndex
from index.local_store import LocalStore
from index.reindex import reindex
from index.sandbox.workers import InProcess
from tests.fakes.hash_embedder import HashEmbedder
from tests.kill.folder import ChangingFolder
from tests.kill.work import TOKENS, opened, synced

ACTIONS = ["sync"] * 4 + ["watch"] * 2 + ["reindex"] * 3
WORK = Path(__file__).parent / "work.py"


@dataclass
class Trial:
    """One index of one folder, and what has been done to them; raises AssertionError."""

    rng: random.Random
    home: Path
    killed: Counter[str] = field(default_factory=Counter)
    finished: Counter[str] = field(default_factory=Counter)
    # How long each kind of work takes when it is left alone, as far as is known.
    durations: dict[str, float] = field(default_factory=dict)
    # Words that no search may find: they were gone when the last sync completed.
    dead: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.index = self.home / ".pincite"
        self.folder = ChangingFolder(self.home / "folder", self.rng)

    def round(self) -> None:
        """Change, start, kill, look."""
        self.folder.change(self.rng.randint(5, 40))
        action = self.rng.choice(ACTIONS) if self.index.exists() else "sync"
        self._kill(action, self._work(action))
        self.look()
        if self.rng.random() < 0.7:
            self.complete()

    def _work(self, action: str) -> list[str]:
        tokens = str(self.rng.choice(TOKENS))
        return [sys.executable, str(WORK), action, str(self.index), str(self.folder.path), tokens]

    def _kill(self, action: str, command: list[str], ready: bytes = b"ready\n") -> None:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.home
        ) as started:
            assert started.stdout is not None
            assert started.stderr is not None
            if ready:
                assert started.stdout.readline() == ready, started.stderr.read().decode()
            begun = time.monotonic()
            wait = self.rng.uniform(0, 1.1 * self.durations.get(action, 2.0))
            if action == "watch":
                self._change_for(wait)
            try:
                out, err = started.communicate(timeout=max(0, begun + wait - time.monotonic()))
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()
                self.killed[action] += 1
                return
            assert started.returncode == 0, (out + err).decode()
            self.finished[action] += 1
            self.durations[action] = time.monotonic() - begun

    def _change_for(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, self.rng.uniform(0, 0.5)))
            self.folder.change(self.rng.randint(0, 3))

    def look(self) -> None:
        """The doctor finds nothing, and searches find nothing that is gone."""
        try:
            store = LocalStore.open(self.index)
        except NoIndex:
            return
        self._diagnose()
        words = self.rng.sample(sorted(self.dead), min(30, len(self.dead)))
        embedder = HashEmbedder(store.settings.embedder.dim, store.settings.embedder.name)
        for word in words:
            vector = embedder.embed_questions([f"What is {word}?"])[0]
            for candidate in store.candidates(word, vector, 5):
                assert word not in candidate.passage.text, f"{word} was removed, and is found"
        store.close()

    def _diagnose(self) -> None:
        report = doctor.check(self.index)
        ills = [f"{check.name}: {check.found}" for check in report.checks if not check.ok]
        assert report.ok, "; ".join(ills)

    def complete(self) -> None:
        """The next sync completes, and a reindexing that was begun."""
        store = opened(self.index)
        if store.building is not None:
            reindex(store, HashEmbedder(), store.building.splitter)
        extractor = InProcess()
        synced(store, self.folder.path, extractor)
        extractor.close()
        self._compare(store)
        store.close()
        self.look()

    def _compare(self, store: LocalStore) -> None:
        """The index holds what the folder holds, neither more nor less."""
        expected = self.folder.texts()
        found: dict[str, str] = {}
        for summary in store.documents():
            text = store.document(summary.id).text
            places = (summary.uri, *summary.copies)
            assert not found.keys() & set(places), "two documents in one place"
            found |= dict.fromkeys(places, text)
            passages = store.passages(summary.id)
            assert passages
            assert all(text[it.start : it.end] == it.text for it in passages)
        assert found.keys() == expected.keys()
        assert found == expected
        self.dead = set(self.folder.removed)


class CommandTrial(Trial):
    """The same with the commands that people use, and their embedder."""

    def _work(self, action: str) -> list[str]:
        command = [sys.executable, "-m", "service"]
        if action == "reindex":
            tokens = str(self.rng.choice([64, 96]))
            return [*command, "reindex", "--index", str(self.index), "--passage-tokens", tokens]
        word = self.rng.choice(["sync", "index"]) if action == "sync" else action
        return [*command, word, "--index", str(self.index), str(self.folder.path)]

    def _kill(self, action: str, command: list[str], ready: bytes = b"") -> None:
        super()._kill(action, command, ready)

    def look(self) -> None:
        """See `Trial`; words are looked for by the command too."""
        if not self.index.exists():
            return
        self._diagnose()
        for word in self.rng.sample(sorted(self.dead), min(2, len(self.dead))):
            assert word not in self._run("search", "--json", word).partition('"hits"')[2]

    def complete(self) -> None:
        """See `Trial`."""
        self._run("sync", "--json", str(self.folder.path))
        store = LocalStore.open(self.index)
        self._compare(store)
        store.close()
        self.look()

    def _run(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "service", *arguments, "--index", str(self.index)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return done.stdout


def run(rounds: int, seed: int, home: Path, kind: type[Trial] = Trial) -> Trial:
    """So many rounds in a folder of their own.

    Raises:
        AssertionError: a law was broken.
    """
    trial = kind(random.Random(seed), home)
    for number in range(rounds):
        try:
            trial.round()
        except AssertionError as error:
            error.add_note(f"in round {number + 1}, seed {seed}, folder {home}")
            raise
        print(f"round {number + 1}: killed {trial.killed.total()}", file=sys.stderr)
    trial.complete()
    return trial


def main() -> None:
    """Kill; see the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--command", type=int, default=0, help="rounds with the real commands")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    for rounds, kind in ((given.rounds, Trial), (given.command, CommandTrial)):
        if rounds:
            with tempfile.TemporaryDirectory(prefix="pincite-kill-") as home:
                trial = run(rounds, given.seed, Path(home), kind)
            killed = ", ".join(f"{count} {action}" for action, count in trial.killed.items())
            print(f"{kind.__name__}: killed {killed}; finished {sum(trial.finished.values())}")


if __name__ == "__main__":
    main()

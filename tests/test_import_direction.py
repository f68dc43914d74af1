"""Data flows one way: imports point back only, and what is swappable is named in one place."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGES = ("index", "qa", "service")
MODULES = sorted(
    path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")
)
HEAVY = {"torch", "transformers", "sentence_transformers", "onnx"}
ADAPTERS = {
    "OnnxEmbedder": "index/embedding.py",
    "HubEmbedder": "index/hub.py",
    "LocalStore": "index/local_store.py",
    "OnnxReader": "qa/reader.py",
    "HubReader": "qa/hub.py",
}


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


@cache
def all_imported(module: Path) -> frozenset[str]:
    """The modules that a module's imports name."""
    return frozenset(imported(tree(module)))


def imported(node: ast.AST) -> Iterator[str]:
    """The modules that the imports in `node` name, wherever they stand."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            assert part.level == 0, "relative imports hide what they point to"
            assert part.module is not None
            yield part.module


def imported_at_once(module: Path) -> set[str]:
    """The top packages that importing the module imports, those in functions left out."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree(module).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {name.split(".")[0] for name in imported(node)}
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return found


@cache
def names(module: Path) -> set[str]:
    """Every name that the module's code mentions; comments and docstrings do not count."""
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.name)
    return found


def test_there_are_modules_to_look_at() -> None:
    assert {module.parts[0] for module in MODULES} == set(PACKAGES)
    assert len(MODULES) > 40


def test_imports_point_back_only() -> None:
    forward = []
    for module in MODULES:
        later = {*PACKAGES[PACKAGES.index(module.parts[0]) + 1 :], "tests"}
        tops = {name.split(".")[0] for name in all_imported(module)}
        forward += [(str(module), top) for top in sorted(tops & later)]
    assert forward == []


def test_faiss_is_imported_in_one_module() -> None:
    holding = [str(module) for module in MODULES if "faiss" in all_imported(module)]
    assert holding == ["index/vector_kinds.py"]


def test_the_environment_is_read_in_one_module() -> None:
    holding = [str(m) for m in MODULES if names(m) & {"environ", "environb", "getenv", "putenv"}]
    assert holding == ["service/settings.py"]


def test_no_module_needs_torch_to_be_imported() -> None:
    heavy = [(str(module), imported_at_once(module) & HEAVY) for module in MODULES]
    assert [one for one in heavy if one[1]] == []


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_concrete_classes_are_named_in_bootstrap_only(adapter: str) -> None:
    holding = {str(module) for module in MODULES if adapter in names(module)}
    assert holding - {ADAPTERS[adapter]} == {"service/bootstrap.py"}


def test_faiss_stays_behind_the_store() -> None:
    holding = {str(module) for module in MODULES if "FaissIndex" in names(module)}
    assert holding <= {"index/vectors.py", "index/vector_copy.py"}

"""The suite as a list to read: which test looks at which requirement; read from its files, without running them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One test of the suite. `id` is what --repro takes, but for the parameters of one that has some."""

    id: str
    requirements: tuple[str, ...]
    does: str


@cache
def tests() -> tuple[Test, ...]:
    """Return the tests of hil.conformance, file by file."""
    suite = files("hil.conformance")
    names = sorted(file.name for file in suite.iterdir() if file.name.startswith("test_"))
    return tuple(test for name in names for test in _tests(name, suite.joinpath(name).read_text(encoding="utf-8")))


def tests_of(requirement: str) -> tuple[Test, ...]:
    """Return those that look at one requirement."""
    return tuple(test for test in tests() if requirement in test.requirements)


def _tests(file: str, source: str) -> Iterator[Test]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            does = node.name.removeprefix("test_").replace("_", " ")
            yield Test(id=f"{file}::{node.name}", requirements=tuple(_marks(node)), does=does)


def _marks(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.req":
            yield from (str(word.value) for word in decorator.args if isinstance(word, ast.Constant))

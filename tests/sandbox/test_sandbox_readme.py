"""The README names everything that can be switched, and the sandbox imports nothing of ours."""

from __future__ import annotations

import ast
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import yeastar_api.sandbox
from yeastar_api.sandbox.catalogue import MODIFIERS, SHAPES
from yeastar_api.sandbox.endpoints import CALLS
from yeastar_api.sandbox.faults import KINDS
from yeastar_api.sandbox.settings import Settings

ROOM = Path(yeastar_api.sandbox.__file__).parent
README = (ROOM / "README.md").read_text()


@pytest.mark.parametrize(
    "name",
    [
        *KINDS,
        *CALLS,
        *SHAPES,
        *MODIFIERS,
        *(switch.name for switch in fields(Settings)),
        *(option for kind in KINDS.values() for option in kind.options),
    ],
)
def test_the_readme_names(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("path", sorted(ROOM.glob("*.py")), ids=lambda path: path.name)
def test_a_file_is_small_and_needs_only_the_standard_library(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 300
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            assert all(name.name.split(".")[0] in sys.stdlib_module_names for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert str(node.module).split(".")[0] in sys.stdlib_module_names
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1

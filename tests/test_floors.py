"""Who may import whom: a file imports from lower floors only, and every file stands in the table."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tutorials import SLUGS

ROOT = Path(__file__).resolve().parents[1]

# From the ground up. Files on one floor do not know each other; an entry that is a folder is one room, whose files
# may import each other. A file may import from any floor below its own.
FLOORS: list[set[str]] = [
    # The wire.
    {"yeastar_api", "yeastar_api.errors", "yeastar_api.messages/", "yeastar_api.sandbox/"},
    {"yeastar_api.auth"},
    {"yeastar_api.client/"},
    # What we sell, ask, remember, show.
    {"orders.addresses", "orders.labels", "orders.prepared", "orders.reference"},
    {
        "orders",
        "orders.apps",
        "orders.behalf",
        "orders.composing",
        "orders.doorbell",
        "orders.lifecycle",
        "orders.lookups",
        "orders.rendering",
        "orders.sealing",
        "orders.statements",
        "orders.templatetags/",
        "orders.text",
        "orders.tokens",
    },
    {"orders.credentials"},
    {"orders.destination"},
    {"orders.recipes", "orders.rules", "orders.watching"},
    {"orders.models/"},
    {"orders.pulse"},
    {"orders.auditing", "orders.breaking", "orders.last_look", "orders.outcomes"},
    {
        "orders.browsing/",
        "orders.diagnosis",
        "orders.evidence",
        "orders.forms",
        "orders.gateway",
        "orders.likeness",
        "orders.submitting",
        "orders.sweeping",
        "orders.summary",
        "orders.verdict",
    },
    {"orders.allowing", "orders.exporting/", "orders.history/", "orders.trying"},
    {"orders.accounts/", "orders.audit_trail/", "orders.duplicates", "orders.overview/", "orders.settling"},
    {"orders.beside", "orders.pickers", "orders.placing", "orders.plan_form", "orders.tasks", "orders.wizard"},
    {"orders.steps"},
    {"orders.views/"},
    {"orders.urls"},
    # The building.
    {"portal.logs", "portal.readiness", "portal.sessions", "portal.vendor"},
    {"portal.models", "portal.mailing", "portal.middleware", "portal.roles"},
    {"portal.second_factor"},
    {
        "portal.accounts",
        "portal.audit/",
        "portal.backend",
        "portal.cache",
        "portal.celery",
        "portal.checks",
        "portal.doctor/",
        "portal.doorman",
        "portal.gunicorn",
        "portal.session_store",
        "portal.settings",
        "portal.views",
        "portal.wsgi",
    },
    {"portal.people/"},
    {"portal.sso"},
    {"portal.account_urls"},
    {"portal", "portal.apps", "portal.context", "portal.management/", "portal.run/", "portal.urls"},
]

MAY_USE_HTTPX = {"yeastar_api.auth", "yeastar_api.client/"}

NO_DJANGO = ("yeastar_api",)

ONLY_THEMSELVES = ("yeastar_api.sandbox/",)
"""An independent reading of the tutorials: if it shared a line with us, it would share our mistakes."""


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module_of(path): path
    for room in ("yeastar_api", "orders", "portal")
    for path in sorted((ROOT / room).rglob("*.py"))
    if "migrations" not in path.parts
}

ENTRIES = {entry: floor for floor, entries in enumerate(FLOORS) for entry in entries}


def entry_of(module: str) -> str | None:
    """The entry of the table that holds this module: itself, or the room it lies in."""
    if module in ENTRIES:
        return module
    parts = module.split(".")
    rooms = (".".join(parts[:length]) + "/" for length in range(len(parts), 0, -1))
    return next((room for room in rooms if room in ENTRIES), None)


def imports_of(module: str, path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every module that a file imports, with the node that does it."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package.split(".")[: len(package.split(".")) - node.level + 1], node.module or ""])
            origin = (base.strip(".") if node.level else node.module) or ""
            for alias in node.names:
                # `from orders import mirror` imports orders.mirror; `from orders.mirror import X` orders.mirror.
                inner = f"{origin}.{alias.name}"
                yield (inner if inner in FILES else origin), node


WAYS = """
import orders.wizard
from orders import placing as p
from orders.views.ordering import start
from . import rules
from .models import Order
def f():
    from .views import orders
"""


def test_every_way_to_import_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "text.py"
    path.write_text(WAYS)
    seen = [imported for imported, _ in imports_of("orders.text", path)]
    found = ["orders.wizard", "orders.placing", "orders.views.ordering", "orders.rules", "orders.models"]
    assert seen == [*found, "orders.views.orders"]


EVERY_FILE = pytest.mark.parametrize(("module", "path"), FILES.items(), ids=FILES)


def test_every_file_has_its_floor_and_every_floor_its_files() -> None:
    entries = {module: entry_of(module) for module in FILES}
    assert [module for module, entry in entries.items() if entry is None] == []
    assert set(ENTRIES) == set(entries.values()), "a line of the table without a file"
    assert len(ENTRIES) == sum(len(floor) for floor in FLOORS), "a line that stands in the table twice"


@EVERY_FILE
def test_a_file_imports_from_lower_floors_only(module: str, path: Path) -> None:
    here = entry_of(module)
    assert here is not None
    for imported, _ in imports_of(module, path):
        if imported.split(".")[0] not in ("yeastar_api", "orders", "portal", "tests", "bench"):
            continue
        there = entry_of(imported)
        assert there is not None, f"{module} imports {imported}, which is no room of ours"
        if there == here and here.endswith("/"):
            continue
        assert ENTRIES[there] < ENTRIES[here], f"{module} (floor {ENTRIES[here]}) imports {imported}"


@EVERY_FILE
def test_rooms_keep_out_what_does_not_belong_there(module: str, path: Path) -> None:
    here = entry_of(module)
    for imported, _ in imports_of(module, path):
        top = imported.split(".")[0]
        assert top not in ("httpx", "httpcore") or here in MAY_USE_HTTPX, f"{module} imports {imported}"
        if module.split(".")[0] in NO_DJANGO:
            assert top not in ("django", "celery", "orders", "portal"), f"{module} imports {imported}"
        if module.split(".")[0] == "orders":
            assert top != "portal", f"{module} imports {imported}"
        if here in ONLY_THEMSELVES and top in ("yeastar_api", "orders", "portal"):
            assert entry_of(imported) == here, f"{module} imports {imported}"


@EVERY_FILE
def test_no_import_hides_in_a_function(module: str, path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    hidden = [
        f"line {node.lineno}"
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_nobody_asks_for_a_products_slug() -> None:
    """A product is data: `if slug == …` would make it code."""
    for module, path in FILES.items():
        if module == "orders.recipes":
            continue
        constants = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
        assert not constants & set(SLUGS), f"{module} knows a product by name"


def test_the_sandbox_uses_nothing_but_the_standard_library() -> None:
    allowed = {"__future__", "yeastar_api"}
    for module, path in FILES.items():
        if entry_of(module) == "yeastar_api.sandbox/":
            tops = {imported.split(".")[0] for imported, _ in imports_of(module, path)}
            assert tops - allowed <= set(sys.stdlib_module_names), module

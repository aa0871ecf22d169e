"""A misspelt hx- attribute fails in silence: every one in the templates must be htmx's own."""

from __future__ import annotations

import re
from pathlib import Path

import django_htmx
import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.js"

# https://htmx.org/reference/#attributes, htmx 2
ATTRIBUTES = {
    "hx-boost",
    "hx-confirm",
    "hx-delete",
    "hx-disable",
    "hx-disabled-elt",
    "hx-disinherit",
    "hx-encoding",
    "hx-ext",
    "hx-get",
    "hx-headers",
    "hx-history",
    "hx-history-elt",
    "hx-include",
    "hx-indicator",
    "hx-inherit",
    "hx-on",
    "hx-params",
    "hx-patch",
    "hx-post",
    "hx-preserve",
    "hx-prompt",
    "hx-push-url",
    "hx-put",
    "hx-replace-url",
    "hx-request",
    "hx-select",
    "hx-select-oob",
    "hx-swap",
    "hx-swap-oob",
    "hx-sync",
    "hx-target",
    "hx-trigger",
    "hx-validate",
    "hx-vals",
    "hx-vars",
}

SWAPS = {
    "innerHTML",
    "outerHTML",
    "textContent",
    "beforebegin",
    "afterbegin",
    "beforeend",
    "afterend",
    "delete",
    "none",
}

# They need eval, which our Content-Security-Policy forbids: they would do nothing.
NEED_EVAL = {"hx-on", "hx-vars"}


def templates() -> list[Path]:
    """Every template of ours."""
    return sorted((ROOT / "templates").rglob("*.html"))


def attributes_in(source: str) -> set[str]:
    """The hx- attributes of a template."""
    return {match.lower() for match in re.findall(r"[\s\"'](?:data-)?(hx-[\w:-]+)", source, re.IGNORECASE)}


def test_the_list_is_that_of_the_htmx_we_ship() -> None:
    script = HTMX.read_text()
    assert 'version: "2.' in script or "version:'2." in script or re.search(r"version:\s*'2\.", script)
    # htmx composes verbs ("hx-" + verb) and asks for hx-on by its prefix; all others stand in it in full.
    composed = {f"hx-{verb}" for verb in ("get", "post", "put", "patch", "delete")}
    assert {name for name in ATTRIBUTES - composed if name not in script} == set()


def test_the_script_on_our_pages_is_that_htmx(client: object, db: None) -> None:
    page = client.get("/accounts/login/").content.decode()  # type: ignore[attr-defined]
    assert re.search(r'src="/static/django_htmx/htmx(-2)?(\.min)?\.js', page)


@pytest.mark.parametrize("template", templates(), ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_every_hx_attribute_is_one(template: Path) -> None:
    source = template.read_text()
    used = attributes_in(source)
    assert used <= ATTRIBUTES, "misspelt"
    assert not used & NEED_EVAL
    for swap in re.findall(r'hx-swap="(\w+)', source):
        assert swap in SWAPS


def test_a_misspelt_attribute_is_found() -> None:
    assert attributes_in('<a hx-disable-elt="x" hx-get="/">') - ATTRIBUTES == {"hx-disable-elt"}
    assert attributes_in("<a\n hx-Target=x data-hx-swop='y'>") == {"hx-target", "hx-swop"}


def test_there_are_templates_that_use_htmx() -> None:
    used = set().union(*(attributes_in(path.read_text()) for path in templates()))
    assert {"hx-get", "hx-post", "hx-target", "hx-trigger"} <= used
    assert settings.TEMPLATES[0]["DIRS"] == [ROOT / "templates"]

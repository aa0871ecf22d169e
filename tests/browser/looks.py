"""What must hold for every page, whatever it shows: accessible in light and dark, and no wider than a telephone."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe().axe_script
WIDTHS = (1280, 360)
SCHEMES = ("light", "dark")

CHECK = "() => axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"
WIDER = """() => {
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth <= width) return []
  return [...document.querySelectorAll('body *')].filter(each => each.getBoundingClientRect().right > width + 1)
    .map(each => each.outerHTML.slice(0, 160))
}"""


def flaws(page: Page) -> list[str]:
    """Everything wrong with the page as it stands, at each width and in each colour scheme."""
    found = []
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"at {width} px too wide: {each}" for each in page.evaluate(WIDER)]
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found += [
                f"at {width} px, {scheme}: {told}" for violation in page.evaluate(CHECK) for told in tell(violation)
            ]
    return found


def tell(violation: dict[str, Any]) -> list[str]:
    return [
        f"{violation['id']}: {node['html'][:200]}: {node.get('failureSummary', '')[:300]}"
        for node in violation["nodes"]
    ]

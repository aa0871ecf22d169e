"""What must hold for every page, whatever it shows: accessible in light and dark, and no wider than a telephone."""

from __future__ import annotations

import base64
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page

AXE = Axe().axe_script
WIDTHS = (1280, 360)

CHECK = "only => axe.run(document, {resultTypes: ['violations'], ...only}).then(found => found.violations)"
EVERYTHING: dict[str, Any] = {}
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
# The dark scheme differs from the light one in nothing but its colours.
SCHEMES = {"light": EVERYTHING, "dark": COLOURS}
WIDER = """() => {
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth <= width) return []
  return [...document.querySelectorAll('body *')].filter(each => each.getBoundingClientRect().right > width + 1)
    .map(each => each.outerHTML.slice(0, 160))
}"""

CONTRAST = """async png => {
  const bytes = Uint8Array.from(atob(png), each => each.charCodeAt(0))
  const image = await createImageBitmap(new Blob([bytes], {type: 'image/png'}))
  const pen = new OffscreenCanvas(image.width, image.height).getContext('2d')
  pen.drawImage(image, 0, 0)
  const points = pen.getImageData(0, 0, image.width, image.height).data, often = new Map()
  for (let i = 0; i < points.length; i += 4) {
    const colour = points.slice(i, i + 3).join()
    often.set(colour, (often.get(colour) || 0) + 1)
  }
  const linear = part => part <= 10 ? part / 3294.6 : ((part / 255 + .055) / 1.055) ** 2.4
  const light = colour => colour.split(',').map(Number).map(linear)
    .reduce((sum, part, i) => sum + part * [.2126, .7152, .0722][i], 0)
  const [ground] = [...often].reduce((one, other) => other[1] > one[1] ? other : one)
  return Math.max(...[...often.keys()].map(colour => {
    const [dark, bright] = [light(colour), light(ground)].sort((one, other) => one - other)
    return (bright + .05) / (dark + .05)
  }))
}"""


def contrast(shown: Locator) -> float:
    """Of the text to its ground, as painted: axe does not know the colours that the browser itself insists on."""
    return float(shown.page.evaluate(CONTRAST, base64.b64encode(shown.screenshot()).decode()))


def flaws(page: Page) -> list[str]:
    """Everything wrong with the page as it stands, at each width and in each colour scheme."""
    found = []
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"at {width} px too wide: {each}" for each in page.evaluate(WIDER)]
        for scheme, rules in SCHEMES.items():
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found += [
                f"at {width} px, {scheme}: {told}"
                for violation in page.evaluate(CHECK, rules)
                for told in tell(violation)
            ]
    return found


def tell(violation: dict[str, Any]) -> list[str]:
    return [
        f"{violation['id']}: {node['html'][:200]}: {node.get('failureSummary', '')[:300]}"
        for node in violation["nodes"]
    ]

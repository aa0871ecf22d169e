"""A plain page for people: what was bought, what is armed, what is switched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import Sandbox

_SHOWN = 200
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}"
)


def page(sandbox: Sandbox) -> str:
    """The overview as HTML, without a script or an asset."""
    orders, attempts = sandbox.ledger, sandbox.attempts
    lost = [attempt for attempt in attempts if attempt["order_no"] is None]
    bought = [
        (_when(one["time"]), one["receipt"]["orderNo"], one["status"], one["receipt"]["productNo"], one["body"])
        for one in reversed(orders[-_SHOWN:])
    ]
    refused = [
        (_when(one["time"]), one["outcome"], one["fault"] or "", one["body"]) for one in reversed(lost[-_SHOWN:])
    ]
    faults = [
        (one["id"], one["call"], one["kind"], "always" if one["times"] is None else one["times"], one["hits"])
        for one in sandbox.faults.all()
    ]
    sections = (
        (f"Bought ({len(orders)})", ("Time", "Order", "Status", "productNo", "Body"), bought),
        (f"Saves that bought nothing ({len(lost)})", ("Time", "Outcome", "Fault", "Body"), refused),
        ("Faults", ("Id", "Call", "Kind", "Times", "Hits"), faults),
        ("Calls", ("Call", "Count"), sorted(sandbox.calls.items())),
        ("Settings", ("Setting", "Value"), sandbox.settings.as_dict().items()),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Yeastar sandbox</title>'
        f"<style>{_STYLE}</style></head><body><h1>Yeastar sandbox</h1>"
        "<p>A fake of the vendor's server. Nothing bought here costs anything.</p>"
        + "".join(_section(*section) for section in sections)
        + "</body></html>"
    )


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    cells = "".join(f"<th>{escape(head)}</th>" for head in heads)
    lines = "".join(
        "<tr>" + "".join(f"<td><pre>{escape(str(cell))}</pre></td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<h2>{escape(title)}</h2><table><tr>{cells}</tr>{lines}</table>"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

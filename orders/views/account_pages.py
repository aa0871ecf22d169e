"""Admins: the lists of customers and billing contacts, the page of each, and what we keep of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from orders.accounts import finding, keeping, runs
from orders.accounts.depending import broken, naming
from orders.accounts.forms import AccountForm
from orders.accounts.lists import LISTS, List
from orders.labels import label
from orders.models import AccountChange, Listed, Mirrored, Partner, Record
from orders.pickers import preferred_picker
from orders.rendering import HtmxHttpRequest, page

CHANGES = 50
"""So many changes the page of an account shows, the latest first."""

OTHERS = 10
"""So many orders of each kind."""


def admins_only(
    view: Callable[..., HttpResponse],
) -> Callable[..., HttpResponse]:
    """Hand over the list that the address names, to whoever may change its accounts."""

    @wraps(view)
    def guarded(request: HtmxHttpRequest, what: str, **more: Any) -> HttpResponse:
        kind = LISTS[Listed(what)]
        if not request.user.has_perm(kind.permission):
            raise PermissionDenied
        return view(request, kind, **more)

    return guarded


def framed(kind: List, **context: Any) -> dict[str, Any]:
    """What every page of a list knows."""
    names = ("hide", "sync", "sync_now", "export", "import")
    urls = {name: reverse(f"orders:{kind.what}_{name}") for name in names}
    return {"kind": kind, "urls": urls | {"list": reverse(f"orders:{kind.what}")}, **context}


def url_of(kind: List, name: str, pk: object) -> str:
    """The address of something of this list that has a key."""
    return reverse(f"orders:{kind.what}_{name}", args=[pk])


@require_safe
@admins_only
def account_list(request: HtmxHttpRequest, kind: List) -> HttpResponse:
    """Those that fit what is asked for."""
    asked = finding.parse(request.GET)
    rows = finding.fitting(kind, asked)
    found = finding.page(rows, asked)
    offered = finding.choices(kind)
    whole = not (found.after or found.before)
    before, _, after = url_of(kind, "account", 0).rpartition("0")
    context = framed(
        kind,
        asked=asked,
        rows=[(row, f"{before}{row.pk}{after}") for row in found.rows],
        counted=len(found.rows) if whole else rows.count(),
        older=asked.page(after=found.after) if found.after else "",
        newer=asked.page(before=found.before) if found.before else "",
        first=asked.page() if found.before else "",
        fields=_fields(asked, offered),
        chips=_chips(asked, offered),
        sorts={name: _sort(asked, name) for name in ("name", "email", "country", "changed")},
        freshness=runs.freshness(kind.what),
        tagged=bool(offered.tag),
    )
    response = page(request, "accounts/list.html", "accounts/_list.html", context)
    if request.htmx:
        response["HX-Push-Url"] = f"{request.path}{asked.page()}"
    return response


def _fields(asked: finding.Asked, offered: finding.Choices) -> list[dict[str, Any]]:
    told: dict[str, list[tuple[str, str]]] = {
        "country": [(each, each) for each in offered.country],
        "type": [(each, each) for each in offered.type],
        "state": list(finding.STATES.items()),
        "hidden": list(finding.SEEN.items()),
        "tag": [(each, each) for each in offered.tag],
        "owner": [(finding.NOBODY, "Nobody"), *((str(pk), name) for pk, name in offered.owner)],
    }
    return [
        {"name": name, "label": finding.NAMES[name], "chosen": getattr(asked, name), "options": options}
        for name, options in told.items()
        if options or getattr(asked, name)
    ]


def _chips(asked: finding.Asked, offered: finding.Choices) -> list[dict[str, str]]:
    words = {"state": finding.STATES, "hidden": finding.SEEN}
    owners = {str(pk): name for pk, name in offered.owner} | {finding.NOBODY: "Nobody"}
    return [
        {
            "name": finding.NAMES[name],
            "label": words.get(name, owners if name == "owner" else {}).get(value, value),
            "url": asked.but(**{name: ""}),
        }
        for name, value in asked.filters.items()
    ]


def _sort(asked: finding.Asked, name: str) -> dict[str, str]:
    """For the head of a column: where a click leads, and how it is sorted now."""
    down = f"-{name}"
    first, second = (down, name) if name == "changed" else (name, down)
    now = {name: "ascending", down: "descending"}.get(asked.sort, "")
    return {"url": asked.but(sort=second if asked.sort == first else first), "now": now}


@require_POST
@admins_only
def hide(request: HtmxHttpRequest, kind: List) -> HttpResponse:
    """Hide those that are ticked, or show them again; then the same list."""
    keys = [int(key) for key in request.POST.getlist("pk") if key.isascii() and key.isdecimal() and len(key) < 19]
    hidden = request.POST.get("do") != "show"
    if not keys:
        messages.info(request, f"Nothing was changed: tick the {kind.many} that you mean.")
    else:
        count = keeping.hide(kind, keys[: finding.PAGE_SIZE * 10], hidden=hidden, actor=request.user)
        many = kind.one if count == 1 else kind.many
        messages.success(
            request,
            f"{count:,} {many} hidden: not offered in new orders." if hidden else f"{count:,} {many} shown again.",
        )
    asked = finding.parse(QueryDict(request.POST.get("query", "")[:2000]))
    return redirect(f"{reverse(f'orders:{kind.what}')}{asked.page()}")


@require_safe
@admins_only
def account_page(request: HtmxHttpRequest, kind: List, pk: int) -> HttpResponse:
    """Everything that is known of one."""
    row = get_object_or_404(kind.model.objects.select_related("owner"), pk=pk)
    return _show(request, kind, row, AccountForm(kind=kind, row=row, seen=keeping.mark(keeping.values(kind, row))))


@require_POST
@admins_only
def edit(request: HtmxHttpRequest, kind: List, pk: int) -> HttpResponse:
    """Keep what was entered, unless somebody else has changed it meanwhile."""
    row = get_object_or_404(kind.model.objects.select_related("owner"), pk=pk)
    form = AccountForm(request.POST, kind=kind, row=row, seen="")
    if "find" in request.POST:  # without JavaScript: only the list of billing contacts was narrowed
        return _show(request, kind, row, form, judged=False)
    if form.is_valid():
        if keeping.keep(kind, row, form.values(), actor=request.user, seen=form.cleaned_data["seen"]):
            messages.success(request, "Saved.")
            return redirect(url_of(kind, "account", pk))
        form.add_error(
            None,
            "Somebody has changed this account meanwhile; the history below says what. Nothing was saved. Look at it, "
            "and save again if yours is to count.",
        )
        here = keeping.mark(keeping.values(kind, kind.model.objects.get(pk=pk)))
        form.data = form.data.copy()  # type: ignore[attr-defined]
        form.data["seen"] = here  # type: ignore[index]
    return _show(request, kind, row, form, status=422)


def _show(
    request: HtmxHttpRequest, kind: List, row: Mirrored, form: AccountForm, *, judged: bool = True, status: int = 200
) -> HttpResponse:
    changes = AccountChange.objects.filter(
        remote_id=row.remote_id, what=kind.what, destination=row.destination
    ).select_related("who", "run")
    preferred = row.preferred_contact if isinstance(row, Partner) else None
    picker = None
    if isinstance(row, Partner):
        chosen = form.data.get("preferred_contact", "") if form.is_bound else preferred.remote_id if preferred else ""
        picker = preferred_picker(
            selected=str(chosen),
            query=str(form.data.get("q_preferred_contact", "")) if form.is_bound else "",
            options_url=f"{reverse('orders:contact_options')}?name=preferred_contact",
        )
    if not judged:
        form = _unjudged(form, request.POST)
    orders = naming(kind, row.remote_id)
    context = framed(
        kind,
        row=row,
        form=form,
        picker=picker,
        preferred=preferred,
        edit_url=url_of(kind, "edit", row.pk),
        facts=[(label(name), value) for name, value in _told(kind, row)],
        raw=json.dumps(row.raw, indent=2, ensure_ascii=False),
        changes=list(changes.order_by("-pk")[: CHANGES + 1])[:CHANGES],
        changed=changes.count(),
        shown=CHANGES,
        breaks=broken(kind, [row.remote_id]),
        orders=orders[:OTHERS],
        ordered=orders.count(),
        records=_records(kind, row),
        freshness=runs.freshness(kind.what),
        tags=finding.tags_in_use(kind)[:30],
    )
    return page(request, "accounts/account.html", "accounts/account.html", context, status=status)


def _unjudged(form: AccountForm, data: QueryDict) -> AccountForm:
    """The same form with the same input, as if it had not been sent."""
    fresh = AccountForm(kind=form.kind, row=form.row, seen=data.get("seen", ""))
    fresh.initial = {name: data.get(name) for name in fresh.fields}
    return fresh


def _records(kind: List, row: Mirrored) -> list[Record]:
    if kind.what != Listed.PARTNERS:
        return []  # theirs do not tell in their rows who gets the invoice
    theirs = Record.objects.filter(~Q(partner_id=""), partner_id=row.remote_id)
    return list(theirs.order_by("-at", "-pk").defer("raw", "detail")[:OTHERS])


def _told(kind: List, row: Mirrored) -> list[tuple[str, str]]:
    """What the vendor tells, but for the id, which stands there already."""
    told = {name: value for name, value in row.raw.items() if name != kind.id_name}
    return [(name, str(value)) for name, value in told.items() if value not in ("", None, [], {})]


@require_safe
@admins_only
def contact_options(request: HtmxHttpRequest, _: List) -> HttpResponse:
    """The billing contacts that match what was typed on a customer's page."""
    picker = preferred_picker(selected="", query=request.GET.get("q_preferred_contact", ""), options_url="")
    return page(request, "orders/_options.html", "orders/_options.html", {"picker": picker})

"""Everybody who may see an order: the list, the order's one page, its JSON twin and its evidence."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from orders import breaking, settling, verdict, wizard
from orders.beside import beside
from orders.forms import ConflictForm, ReasonForm, SettleForm
from orders.history import drift, runs
from orders.lifecycle import Status
from orders.models import PLACE_ORDER, SEE_ALL_ORDERS, SETTLE_ORDER, Order
from orders.rendering import HtmxHttpRequest, page
from orders.views.ordering import as_drafts, drafts_of

PAGE_SIZE = 25

FILTERS = [
    Status.QUEUED,
    Status.SENDING,
    Status.UNCERTAIN,
    Status.PLACED,
    Status.FAILED,
]

staff_only = permission_required(PLACE_ORDER, raise_exception=True)


def visible_order(request: HtmxHttpRequest, pk: UUID) -> Order:
    """An order that this person may see; any other does not exist."""
    return get_object_or_404(Order.objects.visible_to(request.user).select_related("owner"), pk=pk)


@require_safe
@staff_only
def order_list(request: HtmxHttpRequest) -> HttpResponse:
    """My orders and drafts, newest first; a manager sees everybody's orders."""
    visible = Order.objects.visible_to(request.user).placed()
    counts = dict(visible.order_by().values_list("status").annotate(Count("pk")))
    wanted = request.GET.get("status", "")
    mine = drafts_of(request)
    if wanted in counts.keys() | set(FILTERS):
        visible = visible.filter(status=wanted)
    rows = mine if wanted == Status.DRAFT else visible.select_related("owner")
    shown = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    orders, drafts = list(shown.object_list), []
    if wanted == Status.DRAFT:
        orders, drafts = [], as_drafts(orders)
    elif not wanted and shown.number == 1:
        drafts = as_drafts(mine[:PAGE_SIZE])
    drafts_count = mine.count()
    breaker = breaking.hold()
    context = {
        "orders": [(order, verdict.badge(order, breaker)) for order in orders],
        "drafts": drafts,
        "drafts_count": 0 if wanted else drafts_count,
        "filters": _filters(wanted, {**counts, Status.DRAFT: drafts_count}),
        "page": {
            "previous_url": _page_url(wanted, shown.number - 1) if shown.has_previous() else "",
            "next_url": _page_url(wanted, shown.number + 1) if shown.has_next() else "",
        },
        "everyone": request.user.has_perm(SEE_ALL_ORDERS),
    }
    return page(request, "orders/list.html", "orders/_list.html", context)


def _page_url(status: str, number: int) -> str:
    return "?" + urlencode([("status", status)] * bool(status) + [("page", str(number))])


def _filters(wanted: str, counts: dict[str, int]) -> list[dict[str, object]]:
    everything = sum(count for status, count in counts.items() if status != Status.DRAFT)
    shown = [("", "All", everything), (Status.DRAFT.value, "Drafts", counts.get(Status.DRAFT, 0))]
    shown += [(status.value, status.label, counts.get(status.value, 0)) for status in FILTERS]
    return [
        {
            "value": value,
            "label": label,
            "count": count,
            "url": f"?{urlencode({'status': value})}" if value else "?",
            "current": value == wanted,
        }
        for value, label, count in shown
    ]


@require_safe
@staff_only
def order_page(request: HtmxHttpRequest, pk: UUID) -> HttpResponse:
    """One page for the order's whole life."""
    order = visible_order(request, pk)
    if order.status == Status.DRAFT:
        return redirect(wizard.step_url(order, wizard.first_open(order)))
    return show(request, order)


def show(
    request: HtmxHttpRequest,
    order: Order,
    *,
    settle_form: SettleForm | None = None,
    reason_form: ReasonForm | None = None,
    conflict_form: ConflictForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """Draw the order's page, with a manager's form as it was sent if something is wrong in it."""
    manager = request.user.has_perm(SETTLE_ORDER)
    can_settle = manager and order.status == Status.UNCERTAIN
    breaker = breaking.hold() if order.status == Status.QUEUED else None
    sees_history = request.user.has_perm(SEE_ALL_ORDERS) and (can_settle or order.settled)
    events = verdict.timeline(order)
    record = drift.record_of(order) if sees_history or order.status == Status.PLACED else None
    context = {
        "order": order,
        "breaker": breaker,
        "verdict": verdict.verdict(order, breaker),
        "problem": verdict.problem(order, breaker),
        "moving": order.moving and not order.conflict,
        "asks_every": _seconds_between_questions(order, can_settle=can_settle),
        "stages": verdict.stages(order, events),
        "sent_title": verdict.sent_title(order),
        "receipt": verdict.receipt(order),
        "rows": order.summary,
        "events": events,
        "can_settle": can_settle,
        "beside": beside(order) if can_settle else None,
        "can_cancel": manager and order.status == Status.QUEUED,
        "can_see_to": manager and bool(order.conflict) and order.status != Status.QUEUED,
        "settle_form": settle_form or SettleForm(),
        "reason_form": reason_form or ReasonForm(),
        "conflict_form": conflict_form or ConflictForm(),
        "conflict_mark": settling.mark_of(order.conflict),
        "can_order_again": verdict.can_order_again(order),
        "record": record if sees_history else None,
        "became": drift.became(order, record),
        "freshness": runs.freshness() if sees_history else None,
    }
    return page(request, "orders/order.html", "orders/_order.html", context, status=status)


def _seconds_between_questions(order: Order, *, can_settle: bool) -> int:
    """How often the page asks what has become of the order; 0 at rest, and where it would swap away what is written."""
    if order.conflict or can_settle:
        return 0
    if order.moving:
        return 3
    return 10 if order.status == Status.UNCERTAIN and not verdict.astray(order) else 0


@require_safe
@staff_only
def order_json(request: HtmxHttpRequest, pk: UUID) -> JsonResponse:
    """The order for a program."""
    response = JsonResponse(
        verdict.as_json(visible_order(request, pk), breaking.hold()), json_dumps_params={"indent": 2}
    )
    response["Cache-Control"] = "no-store, private"
    return response


@require_safe
@staff_only
def evidence(request: HtmxHttpRequest, pk: UUID) -> JsonResponse:
    """Everything on record about an order in one file, for the vendor's support. It holds no token."""
    order = visible_order(request, pk)
    response = JsonResponse(
        verdict.bundle(order, breaking.hold()), json_dumps_params={"indent": 2, "ensure_ascii": False}
    )
    response["Content-Disposition"] = f'attachment; filename="{order.reference}.json"'
    response["Cache-Control"] = "no-store, private"
    return response

"""Managers: take what is filtered in the history away. Straight to the browser, or from a page once it is made."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import FileResponse, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from orders import auditing
from orders.browsing import asked as asking
from orders.exporting import making, writing
from orders.models import SEE_ALL_EXPORTS, SEE_ALL_ORDERS, Export
from orders.rendering import HtmxHttpRequest, page
from orders.views.history import chips

managers_only = permission_required(SEE_ALL_ORDERS, raise_exception=True)

SHOWN = 50
"""So many exports are listed, the latest first."""

TYPES = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Export.Format.JSONL: "application/x-ndjson",
}


@require_safe
@managers_only
def exports_page(request: HtmxHttpRequest) -> HttpResponse:
    """One's exports and how far they are; for admins everybody's."""
    now = timezone.now()
    exports = list(Export.objects.visible_to(request.user).select_related("owner").order_by("-asked_at", "-pk")[:SHOWN])
    context = {
        "exports": [(each, each.lost(now)) for each in exports],
        "moving": any(each.moving and not each.straight and not each.lost(now) for each in exports),
        "everybody": request.user.has_perm(SEE_ALL_EXPORTS),
        "hours": settings.EXPORT_KEEP.total_seconds() / 3600,
    }
    return page(request, "history/exports.html", "history/_exports.html", context)


@require_POST
@managers_only
def ask(request: HtmxHttpRequest) -> HttpResponseBase:
    """Export what the list shows: its address without the page."""
    asked = asking.parse(QueryDict(request.POST.get("query", "")))
    kind = request.POST.get("format", "")
    if kind not in Export.Format.values:
        messages.error(request, "Choose CSV, Excel or JSON lines.")
        return redirect("orders:exports")
    export = making.ask(request.user, asked, Export.Format(kind), _told(asked))
    if export is None:
        messages.error(request, f"You wait for {making.AT_ONCE} exports already. Cancel one, or wait.")
    elif export.straight:
        try:
            return _attached(StreamingHttpResponse(writing.send(export)), export, request)
        except OSError as error:
            messages.error(request, str(error))
    return redirect("orders:exports")


@require_safe
@managers_only
def download(request: HtmxHttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """The file of one that is ready."""
    export = _export(request, pk)
    if not export.downloadable:
        messages.info(request, "There is no file of this export. Start it again to have one.")
        return redirect("orders:exports")
    try:
        file = export.path.open("rb")
    except FileNotFoundError:
        making.throw_away(export)
        messages.error(request, "The file is no longer there. Start it again to have a new one.")
        return redirect("orders:exports")
    auditing.note("export.downloaded", target=export, words=export.told or "Everything")
    return _attached(FileResponse(file), export, request)


@require_POST
@managers_only
def cancel(request: HtmxHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Give one up that is being made."""
    if not making.cancel(_export(request, pk)):
        messages.info(request, "It had ended already.")
    return redirect("orders:exports")


@require_POST
@managers_only
def again(request: HtmxHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Begin one anew that ended without a file, or whose file is gone."""
    if not making.again(_export(request, pk)):
        messages.info(request, "It is being made, or ready, already.")
    return redirect("orders:exports")


@require_POST
@managers_only
def throw_away(request: HtmxHttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Remove the file of one."""
    export = _export(request, pk)
    try:
        making.throw_away(export)
    except OSError:
        messages.error(request, "The file could not be removed. Try again in a moment.")
    else:
        auditing.note("export.deleted", target=export, words=export.told or "Everything")
        messages.success(request, f"The file {export.name} is deleted.")
    return redirect("orders:exports")


def _export(request: HtmxHttpRequest, pk: uuid.UUID) -> Export:
    """Another's does not exist."""
    return get_object_or_404(Export.objects.visible_to(request.user), pk=pk)


def _told(asked: asking.Asked) -> str:
    """What is filtered, in words."""
    return "; ".join(f"{chip['name']}: {chip['label']}" for chip in chips(asked))


def _attached(response: StreamingHttpResponse, export: Export, request: HtmxHttpRequest) -> HttpResponseBase:
    response["Content-Type"] = TYPES[Export.Format(export.format)]
    response["Content-Disposition"] = f'attachment; filename="{export.name}"'  # a name of ours: nothing to escape
    response["Cache-Control"] = "no-store, private"
    if export.format == Export.Format.XLSX or not export.straight:
        # It is packed already, or its length is worth more: by that a browser knows how far it is.
        request.META.pop("HTTP_ACCEPT_ENCODING", None)
    return response

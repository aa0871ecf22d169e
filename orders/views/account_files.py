"""Admins: take the list of accounts away as a file, and bring our own columns back in one."""

from __future__ import annotations

from io import BytesIO
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders import auditing
from orders.accounts import exporting, finding, importing
from orders.accounts.importing import Line, NotImported, Plan
from orders.accounts.lists import List
from orders.accounts.tables import FILE_BYTES, LIMITS, Unreadable
from orders.destination import current_destination
from orders.models import AccountImport
from orders.rendering import HtmxHttpRequest, page
from orders.views.account_pages import admins_only, framed, url_of

FORMATS = {
    "csv": ("text/csv; charset=utf-8", exporting.as_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", exporting.as_xlsx),
}

ON_A_PAGE = 200
"""So many rows of a file are shown at once."""


@require_safe
@admins_only
def export(request: HtmxHttpRequest, kind: List) -> HttpResponse:
    """Those that are filtered, in the shape that an import reads."""
    wanted = request.GET.get("format", "")
    if wanted not in FORMATS:
        messages.error(request, "Choose CSV or Excel.")
        return redirect(f"orders:{kind.what}")
    asked = finding.parse(request.GET)
    rows = finding.in_order(finding.fitting(kind, asked), asked)
    content_type, write = FORMATS[wanted]
    auditing.note("export.made", target=kind.what.label, words=wanted.upper(), data={"filters": asked.filters})
    response = HttpResponse(write(kind, rows), content_type=content_type)
    name = f"{kind.what.value}-{timezone.localdate():%Y-%m-%d}.{wanted}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'  # a name of ours: nothing to escape
    response["Cache-Control"] = "no-store, private"
    return response


class UploadForm(forms.Form):
    """A file."""

    file = forms.FileField(
        label="File",
        help_text=f"CSV or Excel (XLSX), {LIMITS}. The first line has the heads; one of them is “Id”.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty.", "missing": "Choose a file."},
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx,text/csv"}),
    )


class OneSmallFile(FileUploadHandler):
    """Keeps one file in memory, and stops reading where it is too large to be read anyway."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin."""
        super().new_file(*args, **kwargs)
        self.content = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece of it. One byte too many is kept, so that it is seen to be too large."""
        self.content.write(raw_data)
        if start + len(raw_data) > FILE_BYTES:
            raise StopUpload(connection_reset=False)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Hand it over."""
        self.content.seek(0)
        return InMemoryUploadedFile(
            self.content, self.field_name, self.file_name or "file", self.content_type or "", file_size, self.charset
        )


@csrf_exempt  # until it is known who asks: else the file would be read, and refused, before
@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def import_page(request: HtmxHttpRequest, kind: List) -> HttpResponse:
    """Choose a file; nothing is written by sending it."""
    request.upload_handlers = [OneSmallFile(request)]
    return _import_page(request, kind)


@csrf_protect
def _import_page(request: HttpRequest, kind: List) -> HttpResponse:
    ours = cast("HtmxHttpRequest", request)
    if request.method != "POST":
        return _upload(ours, kind, UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if not request.FILES and int(request.META.get("CONTENT_LENGTH") or 0) > FILE_BYTES:
        form.errors["file"] = form.error_class([f"The file is too large: {LIMITS} are read."])
    if form.is_valid():
        sent = form.cleaned_data["file"]
        try:
            kept = importing.take(kind, sent.name or "", sent.read(), ours.user)
        except Unreadable as error:
            form.add_error("file", str(error))
        else:
            return redirect(url_of(kind, "import_shown", kept.pk))
    return _upload(ours, kind, form, 422)


def _upload(request: HtmxHttpRequest, kind: List, form: UploadForm, status: int = 200) -> HttpResponse:
    last = AccountImport.objects.filter(what=kind.what, destination=current_destination()).defer("rows")
    imports = last.select_related("owner").order_by("-at")[:10]
    context = framed(
        kind,
        form=form,
        limits=LIMITS,
        imports=[(each, url_of(kind, "import_shown", each.pk)) for each in imports],
        heads=exporting.heads(kind),
    )
    return page(request, "accounts/import.html", "accounts/import.html", context, status=status)


@require_safe
@admins_only
def import_shown(request: HtmxHttpRequest, kind: List, pk: int) -> HttpResponse:
    """Row by row what a file would change, and what is wrong with it."""
    return _show(request, kind, _kept(kind, pk))


def _kept(kind: List, pk: int) -> AccountImport:
    here = AccountImport.objects.filter(what=kind.what, destination=current_destination())
    return get_object_or_404(here.select_related("owner"), pk=pk)


def _show(request: HtmxHttpRequest, kind: List, kept: AccountImport, status: int = 200) -> HttpResponse:
    found = importing.plan(kept) if kept.state == AccountImport.State.SHOWN else None
    lines = [line for line in found.lines if line.fields or line.wrong] if found else []
    lines.sort(key=lambda line: not line.wrong)  # what is to be mended first; each part as in the file
    wanted = request.GET.get("page", "")
    number = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 6 else 1
    number = max(1, min(number, (len(lines) - 1) // ON_A_PAGE + 1))
    start = (number - 1) * ON_A_PAGE
    context = framed(
        kind,
        kept=kept,
        plan=found,
        parts=_parts(found, lines[start : start + ON_A_PAGE]) if found else [],
        same=len(found.lines) - len(lines) if found else 0,
        newer=f"?page={number - 1}" if number > 1 else "",
        older=f"?page={number + 1}" if start + ON_A_PAGE < len(lines) else "",
        decide_url=url_of(kind, "import_decide", kept.pk),
    )
    return page(request, "accounts/import_shown.html", "accounts/import_shown.html", context, status=status)


def _parts(found: Plan, lines: list[Line]) -> list[tuple[str, int, list[Line]]]:
    """The rows of a page under their headings; how many there are on all pages."""
    wrong, changing = [line for line in lines if line.wrong], [line for line in lines if not line.wrong]
    parts = [("Left out", len(found.wrong), wrong), ("Would change", len(found.changing), changing)]
    return [part for part in parts if part[2]]


@require_POST
@admins_only
def import_decide(request: HtmxHttpRequest, kind: List, pk: int) -> HttpResponse:
    """Write what was shown, or nothing of it."""
    kept = _kept(kind, pk)
    if request.POST.get("do") == "drop":
        if importing.drop(kept):
            messages.success(request, "Nothing was imported.")
        return redirect(f"orders:{kind.what}_import")
    try:
        count = importing.confirm(kept, request.user, seen=request.POST.get("seen", ""))
    except NotImported as error:
        messages.error(request, str(error))
        return _show(request, kind, _kept(kind, pk), 422)
    messages.success(request, f"{count:,} {kind.one if count == 1 else kind.many} changed.")
    return redirect(url_of(kind, "import_shown", pk))

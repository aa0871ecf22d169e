"""What is turned away at the door, before anything reads it."""

import codecs
import re
from collections.abc import Callable

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render

LARGEST_BODY = 1024 * 1024
LARGEST_UPLOAD = 6 * 1024 * 1024
UPLOADS = frozenset({"/partners/import/", "/contacts/import/"})
"""The only pages that take files: the view reads no body before it knows who sends it."""

SESSION_KEY = re.compile(r"[a-z0-9]{32}")


class DoormanMiddleware:
    """No large bodies, no alphabets but UTF-8, and no session cookie that we cannot have given."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer at once what no page could answer."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        most = LARGEST_UPLOAD if request.path in UPLOADS else LARGEST_BODY
        if not length.isdecimal() or int(length[:20]) > most:
            return render(request, "413.html", status=413)
        if not _is_utf8(request):
            return render(request, "400.html", status=400)
        if not SESSION_KEY.fullmatch(request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")):
            # PostgreSQL would fail on a NUL in it; any other strange one is only looked for in vain.
            request.COOKIES.pop(settings.SESSION_COOKIE_NAME, None)
        return self.get_response(request)


def _is_utf8(request: HttpRequest) -> bool:
    if request.encoding is None:
        return True
    if codecs.lookup(request.encoding).name != "utf-8":
        return False
    request.encoding = "utf-8"  # Django takes no other spelling
    return True


class NoFiles(FileUploadHandler):
    """No page takes files. A refusal that Django answers with 400, and nothing is kept on the way."""

    def new_file(self, *args: object, **more: object) -> None:
        """Refuse it before a byte of it is read."""
        raise MultiPartParserError("No page takes files.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Never reached."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Never reached."""

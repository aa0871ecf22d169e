"""An expired login leads to the login page and back to where the person was, whatever was pressed there."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

from orders.rendering import HtmxHttpRequest, wants_partial

LOST_COOKIE = "lost"
LOST_WORDS = "You had been signed out. What you had just entered was not saved, and nothing was ordered."
LOST_SECONDS = 15 * 60


def page_of(request: HttpRequest, url: str | None) -> str:
    """The page of ours that a browser says it shows; the start page if it is not known, or not ours."""
    try:
        page = urlsplit(url or "")
    except ValueError:
        return "/"
    if page.netloc != request.get_host() or page.path == resolve_url(settings.LOGIN_URL):
        return "/"
    path = "/" + page.path.lstrip("/\\")  # two slashes would be another host
    return page._replace(scheme="", netloc="", path=path, fragment="").geturl()


class HtmxLoginMiddleware:
    """A piece of a page must not become the login form, and a button's own URL is no page to come back to."""

    def __init__(self, get_response: Callable[[HtmxHttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.login_path = resolve_url(settings.LOGIN_URL)

    def __call__(self, request: HtmxHttpRequest) -> HttpResponse:
        """Answer htmx with HX-Redirect where a browser would get a redirect to the login."""
        told = self._tell_what_was_lost(request)
        response = self._lead_to_login(request, self.get_response(request))
        if told:
            response.delete_cookie(LOST_COOKIE)
        return response

    def _lead_to_login(self, request: HtmxHttpRequest, response: HttpResponse) -> HttpResponse:
        if response.status_code not in (301, 302, 303):
            return response
        target = urlsplit(response["Location"])
        if target.path != self.login_path or not target.query:  # logging out leads there too, and nowhere next
            return response
        redirect: HttpResponse
        if request.htmx:
            redirect = HttpResponseClientRedirect(
                redirect_to_login(page_of(request, request.htmx.current_url))["Location"]
            )
        elif request.method == "POST":
            redirect = redirect_to_login(page_of(request, request.headers.get("Referer")))
        else:
            return response
        redirect.cookies = response.cookies
        if request.method == "POST":
            redirect.set_cookie(
                LOST_COOKIE,
                "1",
                max_age=LOST_SECONDS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return redirect

    def _tell_what_was_lost(self, request: HtmxHttpRequest) -> bool:
        """A word on the first page after the login, for somebody whose form did not arrive."""
        if request.COOKIES.get(LOST_COOKIE) != "1" or request.method != "GET" or wants_partial(request):
            return False
        if request.path.startswith(self.login_path) or not request.user.is_authenticated:
            return False
        messages.warning(request, LOST_WORDS)
        return True

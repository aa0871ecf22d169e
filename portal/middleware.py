"""An expired login leads to the login page and back to where the person was, whatever was pressed there."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

from orders.rendering import HtmxHttpRequest


class HtmxLoginMiddleware:
    """A piece of a page must not become the login form, and a button's own URL is no page to come back to."""

    def __init__(self, get_response: Callable[[HtmxHttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.login_path = resolve_url(settings.LOGIN_URL)

    def __call__(self, request: HtmxHttpRequest) -> HttpResponse:
        """Answer htmx with HX-Redirect where a browser would get a redirect to the login."""
        response = self.get_response(request)
        if response.status_code not in (301, 302, 303):
            return response
        target = urlsplit(response["Location"])
        if target.path != self.login_path or not target.query:  # logging out leads there too, and nowhere next
            return response
        if request.htmx:
            login = redirect_to_login(request.htmx.current_url_abs_path or "/")
            redirect: HttpResponse = HttpResponseClientRedirect(login["Location"])
        elif request.method == "POST":
            redirect = redirect_to_login(_page_of(request))
        else:
            return response
        redirect.cookies = response.cookies
        return redirect


def _page_of(request: HtmxHttpRequest) -> str:
    """The page of ours on which a form was sent, by the browser's word; the start page if it is not known."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc != request.get_host() or referer.path == resolve_url(settings.LOGIN_URL):
        return "/"
    return referer._replace(scheme="", netloc="", fragment="").geturl() or "/"

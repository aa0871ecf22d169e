"""An expired login in the middle of an htmx step must not put the login form inside the wizard."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect

from orders.rendering import HtmxHttpRequest


class HtmxLoginMiddleware:
    """Turns a redirect to the login page into a visit of the whole page, back to where the person was."""

    def __init__(self, get_response: Callable[[HtmxHttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.login_path = resolve_url(settings.LOGIN_URL)

    def __call__(self, request: HtmxHttpRequest) -> HttpResponse:
        """Answer htmx with HX-Redirect where a browser would get a redirect to the login."""
        response = self.get_response(request)
        if not request.htmx or response.status_code not in (301, 302, 303):
            return response
        if urlsplit(response["Location"]).path != self.login_path:
            return response
        login = redirect_to_login(request.htmx.current_url_abs_path or "/")
        redirect = HttpResponseClientRedirect(login["Location"])
        redirect.cookies = response.cookies
        return redirect

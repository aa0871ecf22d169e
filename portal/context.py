"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest

from orders import breaking
from portal.vendor import host_of, is_sandbox

ADMIN_PATHS = ("/partners/", "/contacts/", "/people/", "/connection/", "/audit/")
"""The pages behind "Admin"; `templates/_admin.html` leads from one to the other."""


def vendor(request: HttpRequest) -> dict[str, object]:
    """Which host orders go to, whether that is the sandbox, and, for pages that ask, whether orders must wait."""
    return {
        "sandbox": is_sandbox(),
        "host": host_of(settings.YEASTAR_BASE_URL),
        "orders_wait": breaking.warning,
        "sso": settings.OIDC_NAME if settings.OIDC_SERVER_URL else "",
        "sso_only": settings.OIDC_ONLY,
        "admin_page": request.path.startswith(ADMIN_PATHS),
    }

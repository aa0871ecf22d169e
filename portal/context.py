"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest

from portal.vendor import host_of, is_sandbox


def vendor(_: HttpRequest) -> dict[str, object]:
    """Which host orders go to, and whether that is the sandbox."""
    return {"sandbox": is_sandbox(), "host": host_of(settings.YEASTAR_BASE_URL)}

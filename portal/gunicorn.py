"""How gunicorn serves the portal: `gunicorn -c portal/gunicorn.py portal.wsgi:application`."""

import gc
import os
from typing import Any

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"

# Threads, because a page that asks the vendor waits more than it works. One process is right for SQLite,
# which has one writer; with PostgreSQL set WEB_CONCURRENCY to the number of cores.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = int(os.environ.get("WEB_THREADS", "16"))

# The application is imported before the fork: workers share its memory.
preload_app = True

# A person waits at most for a read from the vendor (YEASTAR_GET_BUDGET, 8 s); the rest is reserve.
timeout = 60
graceful_timeout = 12
# A kept connection stays with the process that took it, so with several processes none is kept.
keepalive = 5 if workers == 1 else 0

control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108 - a heartbeat, not data
accesslog = None  # django-structlog writes one line for each request
errorlog = "-"
proc_name = "portal-web"


def when_ready(_: Any) -> None:
    """What lives as long as the process is not looked through for garbage again and again while people wait."""
    gc.collect()
    gc.freeze()

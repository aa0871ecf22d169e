"""What Django has to do before the portal is ready, in one process, because starting Django is the dear part.

Speaks on its output in lines of `name: text` to the supervisor; the other processes start after `static`.
"""

import hashlib
import os
import sys
import traceback
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def tell(name: str, text: str = "") -> None:
    print(f"{name}: {text}", flush=True)


def migrate() -> None:
    executor = MigrationExecutor(connection)
    pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    call_command("migrate", interactive=False, verbosity=0)
    tell("database", f"{pending} migrations applied" if pending else "up to date")


def static_files() -> None:
    """Collect and compress them when they have changed since the last start."""
    seen = hashlib.sha256(f"{django.VERSION} {settings.STORAGES}".encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            about = Path(storage.path(path)).stat()
            seen.update(f"{path} {about.st_size} {about.st_mtime_ns}\n".encode())
    root = Path(settings.STATIC_ROOT)
    stamp = root.with_name("static.collected")
    if not (root.is_dir() and stamp.exists() and stamp.read_text() == seen.hexdigest()):
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(seen.hexdigest())
        tell("static", "collected")
    else:
        tell("static")


def demo_logins() -> None:
    try:
        call_command("demo_users", verbosity=0, stdout=sys.stderr)
        tell("logins")
    except CommandError as error:
        tell("logins", f"no demo logins: {error}")


def accounts() -> None:
    """A vendor who does not answer now must not keep the portal from starting: beat asks again."""
    trouble = ""
    try:
        call_command("mirror_accounts", verbosity=0, stdout=sys.stderr)
    except Exception as error:
        traceback.print_exc()
        trouble = f" (not refreshed: {error}; it is tried again every few minutes)"
    partners, contacts = (apps.get_model("orders", name).objects.count() for name in ("Partner", "Contact"))
    tell("accounts", f"{partners} partners, {contacts} contacts{trouble}")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    migrate()
    static_files()
    if settings.DEMO_PASSWORD:
        demo_logins()
    if sys.stdin.readline() == "go\n":
        accounts()


if __name__ == "__main__":
    main()

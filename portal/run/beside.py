"""What `manage.py` needs to know beside a running `make run`: its key, its broker, and where its orders go.

Without it a command started by hand would look for another broker, and would aim at the vendor's real host.
"""

import json
import os
from pathlib import Path

from portal.run.environment import ROOT, Plan, read_dotenv

TOLD = (
    "SECRET_KEY",
    "REDIS_URL",
    "DATABASE_URL",
    "YEASTAR_BASE_URL",
    "YEASTAR_CLIENT_ID",
    "YEASTAR_CLIENT_SECRET",
    "SANDBOX",
    "DEMO_PASSWORD",
)


def _path(data: Path) -> Path:
    return data / "running.json"


def tell(plan: Plan) -> None:
    """Write down what the children were given, readable by this user alone."""
    told = {name: plan.variables[name] for name in TOLD if plan.variables.get(name)}
    path = _path(plan.data)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"process": os.getpid(), "variables": told}, file)


def untell(plan: Plan) -> None:
    """Nothing runs any more."""
    _path(plan.data).unlink(missing_ok=True)


def variables() -> dict[str, str]:
    """What the portal that runs in our DATA_DIR was started with; nothing if none runs."""
    given = read_dotenv(ROOT / ".env") | dict(os.environ)
    try:
        told = json.loads(_path(Path(given.get("DATA_DIR") or ROOT / "var")).read_text())
        os.kill(int(told["process"]), 0)
    except (OSError, ValueError, KeyError):
        return {}
    return {str(name): str(value) for name, value in told["variables"].items()}

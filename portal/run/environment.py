"""What to start, and the variables that every child gets."""

import os
import re
import socket
from pathlib import Path
from typing import NamedTuple

from portal.run.sorry import Sorry

ROOT = Path(__file__).resolve().parent.parent.parent
DEMO_PASSWORD = "yeastar-demo"  # noqa: S105 - documented, and only for the sandbox on one's own machine
LOGINS = ("staff", "manager", "admin")


class Plan(NamedTuple):
    """Decided once, before anything is started."""

    data: Path
    host: str
    port: int
    variables: dict[str, str]
    own_broker: bool
    own_sandbox: bool

    @property
    def reach(self) -> str:
        """The address at which this machine reaches the web process."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104

    @property
    def address(self) -> str:
        host = f"[{self.reach}]" if ":" in self.reach else self.reach
        return f"http://{host}:{self.port}/"

    @property
    def host_header(self) -> str:
        """A name that Django answers to."""
        first = self.variables.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
        return first if first and first != "*" else "localhost"


def read_dotenv(path: Path) -> dict[str, str]:
    """The pairs of a `.env` file, by the same rules as django-environ reads it for the children."""
    pairs: dict[str, str] = {}
    if not path.is_file():
        return pairs
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"\A(?:export )?([A-Za-z_0-9]+)=(.*)\Z", line)
        if not match:
            continue
        key, value = match.groups()
        if len(value) >= 2 and value[0] == value[-1] == "'":
            value = value[1:-1]
        if len(value) >= 2 and value[0] == value[-1] == '"':
            value = re.sub(r"\\(.)", lambda m: m.group(0) if m.group(1) in "rnt" else m.group(1), value[1:-1])
        pairs[key] = value
    return pairs


def given(variables: dict[str, str], name: str) -> bool:
    """Whether a person set it, itself or as a file."""
    return bool(variables.get(name) or variables.get(f"{name}_FILE"))


def hand_on(variables: dict[str, str], **pairs: str) -> None:
    """Set what the children get. An empty `_FILE` keeps a file of that name from winning over our value."""
    for name, value in pairs.items():
        variables[name] = value
        if variables.get(f"{name}_FILE"):
            variables[f"{name}_FILE"] = ""


def number(variables: dict[str, str], name: str, default: int) -> int:
    text = variables.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Sorry(f"{name}={text} is not a port number.")
    return int(text)


def make_plan() -> Plan:
    variables = read_dotenv(ROOT / ".env") | dict(os.environ)
    data = Path(variables.get("DATA_DIR") or ROOT / "var").expanduser().resolve()
    own_broker = not given(variables, "REDIS_URL")
    own_sandbox = not given(variables, "YEASTAR_BASE_URL")
    hand_on(variables, DATA_DIR=str(data))
    if not given(variables, "DEMO_PASSWORD") and own_sandbox:
        hand_on(variables, DEMO_PASSWORD=DEMO_PASSWORD)
    # This serves plain HTTP, where a browser sends no secure cookie.
    variables.setdefault("SECURE_COOKIES", "false")
    # Fewer malloc arenas: 32 threads of a worker would otherwise keep some 30 MB of air.
    variables.setdefault("MALLOC_ARENA_MAX", "2")
    variables["PYTHONUNBUFFERED"] = "1"
    return Plan(
        data=data,
        host=variables.get("HOST", "127.0.0.1"),
        port=number(variables, "PORT", 8000),
        variables=variables,
        own_broker=own_broker,
        own_sandbox=own_sandbox,
    )


def make_room(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / "logs").mkdir(exist_ok=True)
        probe = data / "logs" / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Sorry(f"cannot write to DATA_DIR {data}: {error.strerror}.") from None


def keep_secret_key(plan: Plan) -> None:
    """Without a key of one's own, one is made once and kept, so that nobody is logged out by a restart."""
    if given(plan.variables, "SECRET_KEY"):
        return
    path = plan.data / "secret_key"
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(os.urandom(32).hex())
    key = path.read_text().strip()
    if len(key) < 32:
        raise Sorry(f"{path} holds no usable key; remove it, and a new one is made (people log in again).")
    hand_on(plan.variables, SECRET_KEY=key)


def is_free(host: str, port: int) -> bool:
    """Whether we may listen there: nobody answers, and the system lets us bind."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reach = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    with socket.socket(family) as probe:
        probe.settimeout(1)
        if probe.connect_ex((reach, port)) == 0:
            return False
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Sorry(f"this user may not listen on port {port}; try `PORT=8001 make run`.") from None
        except OSError as error:
            if "in use" in str(error):
                return False
            raise Sorry(f"cannot listen on HOST={host}: {error.strerror}.") from None
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

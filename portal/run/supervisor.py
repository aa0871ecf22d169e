"""The order in which everything starts and stops, and what is said meanwhile."""

import contextlib
import fcntl
import os
import sys
import time
from pathlib import Path

from portal.run import beside, environment, ready
from portal.run.crew import Child, Crew, say
from portal.run.environment import LOGINS, Plan
from portal.run.guardian import GRACE, Guardian
from portal.run.sorry import Sorry, Stop
from portal.run.valkey import Valkey

# The order of stopping, and the seconds that each may take. Web first: nothing new comes in. Then the worker,
# which finishes the order that it is sending and records the answer.
PATIENCE: dict[str, float] = {"prepare": 5, "web": 15, "worker": 60, "beat": 10, "sandbox": 5, "valkey": 10}


def main(arguments: list[str]) -> int:
    """With `--with-make`, the end of the process that started us is our end too."""
    parent = os.getppid() if "--with-make" in arguments else None
    began = time.monotonic()
    try:
        plan = environment.make_plan()
        environment.make_room(plan.data)
        lock = take_lock(plan)
        for_the_port(plan)
        environment.keep_secret_key(plan)
    except Sorry as sorry:
        return fail(sorry)
    except KeyboardInterrupt:
        return 130
    guardian = Guardian(lock)
    crew = Crew(plan, guardian, parent)
    code = 0
    try:
        start(crew, plan, began)
        while True:
            crew.pause(2)
    except Stop:
        print("\nStopping.", flush=True)
    except Sorry as sorry:
        code = fail(sorry)
    beside.untell(plan)
    if not crew.stop(PATIENCE):
        code = 130
    guardian.dismiss()
    if code == 0:
        print("Stopped; the data stays in " + str(plan.data), flush=True)
    return code


def fail(sorry: Sorry) -> int:
    print(f"{sorry.lines}portal: {sorry}", file=sys.stderr, flush=True)
    return 1


def take_lock(plan: Plan) -> int:
    """One portal in one data directory. A previous one that still ends is waited for."""
    path = plan.data / "lock"
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    told, end = False, time.monotonic() + GRACE + 10
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            owner = path.read_text().strip() or "0 ?"
            pid, address = owner.split(" ", 1)
            if is_alive(int(pid)) or time.monotonic() > end:
                raise Sorry(
                    f"it already runs at {address} (process {pid}, data in {plan.data}); "
                    "for a second one: `DATA_DIR=other PORT=8001 make run`."
                ) from None
        if not told:
            told = True
            say("waiting", "until the processes of the previous start have ended")
        time.sleep(0.2)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()} {plan.address}\n".encode(), 0)
    return lock


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def for_the_port(plan: Plan) -> None:
    if not environment.is_free(plan.host, plan.port):
        raise Sorry(f"port {plan.port} is busy; take another one: `PORT={plan.port + 1} make run`.")


def start(crew: Crew, plan: Plan, began: float) -> None:
    print(f"Starting the portal; data in {plan.data}", flush=True)
    python = sys.executable
    valkey_child = None
    if plan.own_broker:
        valkey = Valkey(plan.data)
        valkey_child = crew.start("valkey", *valkey.command)
        environment.hand_on(plan.variables, REDIS_URL=valkey.url)
    sandbox_child, sandbox = None, ""
    if plan.own_sandbox:
        sandbox_child, sandbox = start_sandbox(crew, plan)
    prepare = crew.start("prepare", python, "-m", "portal.run.prepare", may_end=True, talks=True)
    news = News(prepare)

    if valkey_child:
        crew.wait_for(valkey_child, lambda: ready.pongs(valkey.port, valkey.password), 20)
        say("valkey", f"ready on 127.0.0.1:{valkey.port}")
    crew.wait_for(prepare, lambda: news.has("static"), 300)

    web = crew.start("web", python, "-m", "gunicorn", "-c", "portal/gunicorn.py", "portal.wsgi:application")
    queue = (python, "-m", "portal.run.queue")
    worker = crew.start("worker", *queue, "worker")
    beat = crew.start("beat", *queue, "beat", str(plan.data / "celerybeat-schedule"))

    if sandbox_child:
        port = int(sandbox.rsplit(":", 1)[1])
        crew.wait_for(sandbox_child, lambda: ready.serves("127.0.0.1", port, "/_sandbox/calls"), 30)
        say("sandbox", f"ready at {sandbox}")
    news.answer("go")
    crew.wait_for(prepare, lambda: news.has("accounts"), 120)
    for child in (worker, beat):
        crew.wait_for(child, child.flag.exists, 60)
        say(child.name, "ready")
    crew.wait_for(web, lambda: ready.serves(plan.reach, plan.port, "/healthz", plan.host_header), 60)
    say("web", "ready")
    crew.pause(0)
    beside.tell(plan)
    welcome(plan, news, sandbox, time.monotonic() - began)


def start_sandbox(crew: Crew, plan: Plan) -> tuple[Child, str]:
    for name in ("YEASTAR_CLIENT_ID", "YEASTAR_CLIENT_SECRET"):
        if environment.given(plan.variables, name):
            say("note", f"{name} is set but YEASTAR_BASE_URL is not: this start uses the sandbox")
            break
    port = environment.number(plan.variables, "SANDBOX_PORT", min(plan.port + 1, 65535))
    if not environment.is_free("127.0.0.1", port):
        if plan.variables.get("SANDBOX_PORT"):
            raise Sorry(f"SANDBOX_PORT {port} is busy; take another one, or leave it out.")
        port = environment.free_port()
    address = f"http://127.0.0.1:{port}"
    environment.hand_on(
        plan.variables,
        YEASTAR_BASE_URL=address,
        SANDBOX="true",
        YEASTAR_CLIENT_ID="sandbox-client",
        YEASTAR_CLIENT_SECRET="sandbox-secret",  # noqa: S106 - the sandbox's own, which it documents
    )
    state = str(plan.data / "sandbox.jsonl")
    options = ("--host", "127.0.0.1", "--port", str(port), "--state", state)
    return crew.start("sandbox", sys.executable, "-m", "yeastar_api.sandbox", *options), address


class News:
    """What `prepare` tells: lines of `name: text`, passed on to the person."""

    def __init__(self, child: Child) -> None:
        if not child.process.stdout or not child.process.stdin:
            raise TypeError("this child does not talk")
        self._in, self._out = child.process.stdout.fileno(), child.process.stdin
        os.set_blocking(self._in, False)
        self._rest = b""
        self.told: dict[str, str] = {}

    def has(self, name: str) -> bool:
        with contextlib.suppress(BlockingIOError):
            self._rest += os.read(self._in, 65536)
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            topic, _, text = line.decode().partition(": ")
            self.told[topic] = text
            if text:
                say(topic, text)
        return name in self.told

    def answer(self, word: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has died, and the crew says so
            self._out.write(f"{word}\n".encode())
            self._out.close()


def welcome(plan: Plan, news: News, sandbox: str, seconds: float) -> None:
    lines = [f"The portal is ready after {seconds:.0f} s:  {plan.address}", ""]
    if news.told.get("logins") == "":
        password = plan.variables.get("DEMO_PASSWORD") or "as in DEMO_PASSWORD_FILE"
        lines.append(f"Demo logins:  {', '.join(LOGINS)}   password: {password}")
    if sandbox:
        lines.append(f"Sandbox:      {sandbox}/_sandbox/   (a stand-in for the vendor's API; nothing is bought)")
    else:
        url = plan.variables.get("YEASTAR_BASE_URL") or "as in YEASTAR_BASE_URL_FILE"
        lines.append(f"API:          {url}   (an order placed there is real)")
    lines += [f"Logs:         {shown(plan.data / 'logs')}/*.log", "", "Ctrl-C stops everything."]
    print("\n" + "\n".join(lines), flush=True)


def shown(path: Path) -> str:
    return str(path.relative_to(environment.ROOT)) if path.is_relative_to(environment.ROOT) else str(path)

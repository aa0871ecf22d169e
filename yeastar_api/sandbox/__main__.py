"""`python -m yeastar_api.sandbox`: the sandbox for people, benchmarks and other programs."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from .app import Sandbox
from .server import serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m yeastar_api.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free one")
    parser.add_argument("--state", help="file that keeps what was bought across restarts")
    parser.add_argument("--client-id", help="default: YEASTAR_CLIENT_ID, else sandbox-client")
    parser.add_argument("--client-secret", help="default: YEASTAR_CLIENT_SECRET, else sandbox-secret")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    options = parser.parse_args(arguments)

    # Threads here need little stack, and many of them may sleep in a delay at once.
    threading.stack_size(256 * 1024)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    sandbox = Sandbox(
        client_id=options.client_id,
        client_secret=options.client_secret,
        state=options.state,
        latency_seconds=options.latency,
    )
    with serve(sandbox, options.host, options.port) as server:
        sys.stdout.write(f"Yeastar sandbox ready on {server.url} (overview: {server.url}/_sandbox/)\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())

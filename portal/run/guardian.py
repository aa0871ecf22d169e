"""The guardian: when the supervisor is gone, however it went, nothing of it stays behind.

It is the leader of the process group in which all children live, and it reads a pipe whose only write end is
the supervisor's. The supervisor writes the number of each child there; the end of the file means that the
supervisor is gone. Then the group gets TERM (a worker finishes the order that it is sending), and after its
time KILL.

It also holds the lock of the data directory, so that a new start waits until the old one has really ended.
"""

import contextlib
import os
import subprocess

GRACE = 60

SCRIPT = """
trap '' INT TERM HUP
pids=
while read -r pid; do pids="$pids $pid"; done
kill -s TERM 0
left=$1
while [ "$left" -gt 0 ]; do
    alive=
    for pid in $pids; do kill -0 "$pid" 2>/dev/null && alive=yes; done
    [ "$alive" ] || break
    left=$((left - 1))
    sleep 1
done
kill -s KILL 0
"""


class Guardian:
    def __init__(self, lock: int, grace: int = GRACE) -> None:
        reading, self._pipe = os.pipe()  # neither end is inherited by anyone who is not handed it
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", SCRIPT, "portal-guardian", str(grace)],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock,),
            process_group=0,
        )
        os.close(reading)
        self.group = self.process.pid

    def watch(self, pid: int) -> None:
        with contextlib.suppress(BrokenPipeError):  # it is dead; the crew notices that at its next look
            os.write(self._pipe, f"{pid}\n".encode())

    def dismiss(self) -> None:
        """Everybody has gone home: the end of the pipe lets it go too, and it takes any straggler along."""
        os.close(self._pipe)
        self.process.wait()

"""Everything that can go wrong between a client and the vendor, on demand.

A fault waits for calls that it matches. Any number of modifiers act on one call, and at most one ending, the
oldest; a second ending waits for the next call, so that a row of faults plays like a script.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .answers import ConnectionCut, Refusal, Reply, json_reply, pieces, refused, text_reply

ALWAYS = "always"
NEVER = "never"
CHOICE = "choice"

_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>gateway</body></html>"
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: its options with their defaults, and whether the call is processed beneath it."""

    options: dict[str, Any]
    processed: str = ALWAYS
    ends: bool = True


KINDS: dict[str, Kind] = {
    "delay": Kind({"seconds": 1.0}, ends=False),
    "delay_after": Kind({"seconds": 1.0}, ends=False),
    "extra_fields": Kind({}, ends=False),
    "slow_body": Kind({"seconds": 1.0, "pieces": 10}),
    "refuse": Kind({"code": "system_busy", "detailMessage": "", "status": 400, "http_status": None}, NEVER),
    "refuse_after": Kind({"code": "system_busy", "detailMessage": "", "status": 400, "http_status": None}),
    "status": Kind({"status": 502, "retry_after": None, "body": None}, CHOICE),
    "garbage": Kind({"body": '{"code": "succ', "content_type": "application/json", "status": 200}, CHOICE),
    "half": Kind({}),
    "reset": Kind({}, CHOICE),
    "redirect": Kind({"status": 302, "location": "/maintenance"}, NEVER),
    "huge": Kind({"megabytes": 100}, CHOICE),
}


@dataclass(slots=True)
class Fault:
    """One armed fault."""

    id: int
    call: str
    kind: str
    times: int | None
    skip: int
    processed: bool
    options: dict[str, Any]
    hits: int = 0

    def as_dict(self) -> dict[str, Any]:
        about = {"id": self.id, "call": self.call, "kind": self.kind, "times": self.times, "skip": self.skip}
        return about | {"processed": self.processed, "hits": self.hits} | self.options


class Faults:
    """The armed faults, oldest first."""

    def __init__(self, calls: tuple[str, ...]):
        self._calls = calls
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._armed: list[Fault] = []

    def add(self, call: str, kind: str, *, times: int | None = 1, skip: int = 0, **options: Any) -> Fault:
        """Arm a fault for the next `times` calls (None: until removed) after letting `skip` of them pass."""
        if call not in self._calls and call != "*":
            raise ValueError(f"call: one of *, {', '.join(self._calls)}")
        if kind not in KINDS:
            raise ValueError(f"kind: one of {', '.join(KINDS)}")
        for name, value in (("times", times), ("skip", skip)):
            if (value is None and name == "skip") or (value is not None and (type(value) is not int or value < 0)):
                raise ValueError(f"{name}: a whole number")
        about = KINDS[kind]
        processed = options.pop("processed", about.processed == ALWAYS)
        if type(processed) is not bool or (about.processed != CHOICE and processed != (about.processed == ALWAYS)):
            raise ValueError(f"processed: {kind} is {about.processed} processed")
        if unknown := options.keys() - about.options.keys():
            raise ValueError(f"{kind} has no option {', '.join(sorted(unknown))}; it has {list(about.options)}")
        for name, value in options.items():
            usual = about.options[name]
            if isinstance(usual, (int, float)) and (isinstance(value, bool) or not isinstance(value, (int, float))):
                raise ValueError(f"{name}: a number")
            if (isinstance(usual, str) or name == "body") and not isinstance(value, str):
                raise ValueError(f"{name}: text")
            if name == "http_status" and type(value) is not int:
                raise ValueError(f"{name}: a whole number")
        with self._lock:
            fault = Fault(next(self._ids), call, kind, times, skip, processed, about.options | options)
            self._armed.append(fault)
            return fault

    def all(self) -> list[dict[str, Any]]:
        """What is armed."""
        with self._lock:
            return [fault.as_dict() for fault in self._armed]

    def clear(self, fault_id: int | None = None) -> None:
        """Disarm one, or all."""
        with self._lock:
            self._armed = [fault for fault in self._armed if fault_id not in (None, fault.id)]

    def take(self, names: tuple[str, ...]) -> list[Fault]:
        """The faults that act on this call, used up by it."""
        with self._lock:
            acting: list[Fault] = []
            for fault in self._armed:
                ends = KINDS[fault.kind].ends
                if fault.call not in (*names, "*") or (ends and any(KINDS[one.kind].ends for one in acting)):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.hits += 1
                acting.append(fault)
            self._armed = [fault for fault in self._armed if fault.times is None or fault.hits < fault.times]
            return acting


def before(faults: list[Fault]) -> Fault | None:
    """Wait out the delays; return the fault that keeps the call from being processed, if any."""
    for fault in faults:
        if fault.kind == "delay":
            time.sleep(fault.options["seconds"])
    return next((fault for fault in faults if not fault.processed), None)


def after(faults: list[Fault], answer: Reply, request_id: str) -> Reply:
    """Spoil the answer of a processed call."""
    for fault in faults:
        if fault.kind == "delay_after":
            time.sleep(fault.options["seconds"])
        elif fault.processed and fault.kind != "delay":
            answer = spoil(fault, answer, request_id)
    return answer


def spoil(fault: Fault, answer: Reply | None, request_id: str) -> Reply:
    """What the client gets instead of `answer` (None: the call was not processed)."""
    options = fault.options
    match fault.kind:
        case "refuse" | "refuse_after":
            refusal = Refusal(options["code"], options["detailMessage"], status=options["status"])
            return json_reply(options["http_status"] or options["status"], refused(refusal, request_id))
        case "status":
            page = _HTML.format(options["status"]) if options["body"] is None else options["body"]
            reply = text_reply(options["status"], page, "text/html")
            if options["retry_after"] is not None:
                reply.headers.append(("Retry-After", str(options["retry_after"])))
            return reply
        case "garbage":
            return text_reply(options["status"], options["body"], options["content_type"])
        case "redirect":
            reply = text_reply(options["status"], "", "text/html")
            reply.headers.append(("Location", options["location"]))
            return reply
        case "huge":
            return Reply(200, _flood(int(options["megabytes"] * 1_048_576), request_id))
        case "reset":
            raise ConnectionCut("the sandbox was told to reset the connection", abort=True)
    if answer is None:
        raise ValueError(f"{fault.kind} spoils only answers")
    return _marred(fault, answer)


def _marred(fault: Fault, answer: Reply) -> Reply:
    """The true answer, but with strange fields, in drips, or by half."""
    whole = answer.body
    match fault.kind:
        case "extra_fields" if answer.payload is not None:
            return json_reply(answer.status, _with_extras(json.loads(whole)))
        case "slow_body":
            answer.chunks = _drips(whole, fault.options["seconds"], int(fault.options["pieces"]))
        case "half":
            answer.chunks = _first_half(whole)
    return answer


def _first_half(whole: bytes) -> Iterator[bytes]:
    yield whole[: len(whole) // 2]
    raise ConnectionCut("the sandbox was told to stop in the middle of the answer", abort=False)


def _drips(whole: bytes, seconds: float, count: int) -> Iterator[bytes]:
    for number, piece in enumerate(pieces(whole, count)):
        if number:
            time.sleep(seconds / max(1, count - 1))
        yield piece


def _flood(size: int, request_id: str) -> Iterator[bytes]:
    yield b'{"code": "success", "detailMessage": "'
    for _ in range(size // _CHUNK):
        yield b"x" * _CHUNK
    yield f'", "requestId": "{request_id}", "result": {{}}, "status": 200}}'.encode()


def _with_extras(value: Any) -> Any:
    if isinstance(value, dict):
        extras = {"unknownField": {"note": "not in the reference", "list": [1, None]}, "traceFlag": True}
        return {name: _with_extras(inner) for name, inner in value.items()} | extras
    return [_with_extras(inner) for inner in value] if isinstance(value, list) else value

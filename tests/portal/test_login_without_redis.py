"""People get in, quickly and with limits, while the broker that keeps the limits is stopped or gone."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from portal.cache import ForgivingRedisCache
from portal.run.valkey import Valkey

GOOD = "a-good-password"


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A real Valkey in which the portal keeps its limits."""
    valkey = Valkey(tmp_path)
    with subprocess.Popen(valkey.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        with redis.Redis.from_url(valkey.url) as client:
            for _ in range(200):
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    time.sleep(0.05)
        settings.CACHES = {"default": {"BACKEND": "portal.cache.ForgivingRedisCache", "LOCATION": valkey.url}}
        ForgivingRedisCache._away_until = 0
        yield process
        cache.clear()
        ForgivingRedisCache._away_until = 0
        process.kill()


def sign_in(login: str, password: str) -> tuple[int, str, float]:
    began = time.monotonic()
    answer = Client().post("/accounts/login/", {"login": login, "password": password})
    return answer.status_code, answer.content.decode(), time.monotonic() - began


@pytest.mark.parametrize("trouble", [signal.SIGSTOP, signal.SIGKILL])
def test_one_signs_in_while_redis_is_stopped_or_gone(
    trouble: signal.Signals, broker: subprocess.Popen[bytes], alice: User
) -> None:
    assert sign_in("alice", GOOD)[0] == 302
    broker.send_signal(trouble)
    status, _, seconds = sign_in("alice", GOOD)
    assert status == 302
    assert seconds < 3
    assert sign_in("alice", GOOD)[2] < 0.5, "once noticed, nobody waits for it again"


def test_limits_hold_without_redis(broker: subprocess.Popen[bytes], alice: User) -> None:
    broker.kill()
    broker.wait()
    for _ in range(5):
        assert "not correct" in sign_in("alice", "wrong")[1]
    assert "Too many failed login attempts" in sign_in("alice", GOOD)[1]


def test_redis_is_used_again_once_it_is_back(
    broker: subprocess.Popen[bytes], db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.cache.AWAY_SECONDS", 0.2)
    cache.set("limit", "shared")
    broker.send_signal(signal.SIGSTOP)
    assert cache.get("limit") is None
    cache.set("limit", "own")
    assert cache.get("limit") == "own"
    broker.send_signal(signal.SIGCONT)
    time.sleep(0.3)
    assert cache.get("limit") == "shared"


def test_every_verb_of_the_cache_has_its_stand_in(broker: subprocess.Popen[bytes]) -> None:
    for _ in range(2):
        cache.set_many({"a": 1, "b": 2})
        assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
        assert cache.incr("a") == 2
        assert (cache.add("a", 9), cache.has_key("b"), cache.touch("b", 60)) == (False, True, True)
        cache.delete_many(["a"])
        assert (cache.delete("b"), cache.get("a", "none")) == (True, "none")
        broker.kill()
        broker.wait()

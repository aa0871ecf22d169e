"""Ring for a worker. The row is the truth: a lost, late or doubled ring changes nothing."""

from collections.abc import Iterable
from uuid import UUID

import structlog
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

SUBMIT = "orders.tasks.submit"
EXPORT = "orders.tasks.export"

log = structlog.get_logger(__name__)


def bells() -> int | None:
    """How many bells lie in the broker, unheard so far; None if it does not answer at once."""
    broker = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=0.5, socket_timeout=0.5)
    try:
        return int(broker.llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    except (RedisError, OSError):
        return None
    finally:
        broker.close()


def ring(pks: Iterable[UUID], task: str = SUBMIT) -> bool:
    """Ask the workers to submit these orders, or to do another task. False if the broker cannot be reached.

    Then it is rung for again by the beat.
    """
    try:
        for pk in pks:
            current_app.send_task(task, args=[str(pk)], ignore_result=True)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("doorbell.unreachable", error=str(error))
        return False
    return True

"""Ring for a worker. The row is the truth: a lost, late or doubled ring changes nothing."""

from collections.abc import Iterable
from uuid import UUID

import structlog
from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

SUBMIT = "orders.tasks.submit"
EXPORT = "orders.tasks.export"

log = structlog.get_logger(__name__)


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

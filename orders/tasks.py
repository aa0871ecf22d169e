"""Celery's shells around the verbs. A message carries an id and nothing else."""

from uuid import UUID

from celery import shared_task

from orders import gateway, mirror, submitting, sweeping
from orders.doorbell import SUBMIT


@shared_task(name=SUBMIT, ignore_result=True)
def submit(pk: str) -> None:
    """Send one order, if it is still to be sent."""
    submitting.submit(UUID(pk), gateway.portal())


@shared_task(ignore_result=True)
def sweep() -> None:
    """Ring for due orders; end the wait for lost ones."""
    sweeping.sweep()


@shared_task(ignore_result=True)
def mirror_accounts() -> None:
    """Mirror partners and billing contacts."""
    mirror.mirror_partners(gateway.portal())
    mirror.mirror_contacts(gateway.portal())

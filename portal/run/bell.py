"""A message as the worker sees it: a doorbell that nobody waits to hear acknowledged.

The queue's messages are not acknowledged (`no_ack`), yet Celery tries, whenever a thread takes one up; Kombu then
finds that this channel wants none. When the broker was lost meanwhile, the message's channel is closed and has
forgotten that: the acknowledgement is sent after all, into nothing, and an AttributeError ends the worker ("'NoneType'
object has no attribute 'client'"). Each message that waited for a thread while the connection was lost would do it.
"""

from celery.worker.request import Request


class Bell(Request):  # type: ignore[misc]  # Celery has no types
    """A request that is acknowledged by being there."""

    def acknowledge(self) -> None:
        """Tell nobody."""
        self.acknowledged = True

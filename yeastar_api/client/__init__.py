"""The client of the API: one method per endpoint, and only the three errors of `yeastar_api.errors`."""

from yeastar_api.client.portal import Clock, Observe, PartnerPortal, TokenTimes

__all__ = ["Clock", "Observe", "PartnerPortal", "TokenTimes"]

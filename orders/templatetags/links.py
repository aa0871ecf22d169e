"""`{% url %}` as it is, but an address without arguments is looked up once: each page holds some twenty of them."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.conf import settings
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as plain_url
from django.urls import get_script_prefix, get_urlconf, reverse

register = template.Library()


class _Lasting(URLNode):
    """Of a name alone."""

    def render(self, context: Context) -> str:
        match = getattr(getattr(context, "request", None), "resolver_match", None)
        where = get_urlconf() or settings.ROOT_URLCONF
        return _address(self.view_name.resolve(context), match and match.namespace, where, get_script_prefix())


@lru_cache(512)
def _address(name: str, namespace: str | None, urlconf: str, _prefix: str) -> str:
    """As long as the portal lies at the same prefix."""
    return reverse(name, urlconf, current_app=namespace)


@register.tag
def url(parser: Parser, token: Token) -> URLNode:
    """An address by the name of its URL."""
    node = plain_url(parser, token)
    lasts = not (node.args or node.kwargs or node.asvar)
    return _Lasting(node.view_name, node.args, node.kwargs, node.asvar) if lasts else node

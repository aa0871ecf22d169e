"""`{% url %}` as it is, but an address without arguments is looked up once."""

from __future__ import annotations

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as plain_url

from orders.addresses import address

register = template.Library()


class _Lasting(URLNode):
    """Of a name alone."""

    def render(self, context: Context) -> str:
        match = getattr(getattr(context, "request", None), "resolver_match", None)
        return address(self.view_name.resolve(context), match and match.namespace)


@register.tag
def url(parser: Parser, token: Token) -> URLNode:
    """An address by the name of its URL."""
    node = plain_url(parser, token)
    lasts = not (node.args or node.kwargs or node.asvar)
    return _Lasting(node.view_name, node.args, node.kwargs, node.asvar) if lasts else node

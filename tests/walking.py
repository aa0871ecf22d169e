"""Walk the wizard as a browser without JavaScript would: read the form, fill it in, send it."""

from __future__ import annotations

from typing import Any

from django_webtest import DjangoTestApp
from webtest import Form
from webtest.response import TestResponse

from orders.models import Order

STEP_FIELDS = {
    "target": ("license_for", "partner_id", "product_no"),
    "plan": ("plan_id", "service_id", "quantity", "multi_cycle"),
    "billing": ("billing_contact_id", "po_number"),
}


def wizard_form(page: TestResponse) -> Form:
    """The form of the step on this page: the one whose action is the page itself."""
    here = page.request.path
    return next(form for form in page.forms.values() if form.action in ("", here))


def fill(form: Form, choices: dict[str, Any], names: tuple[str, ...]) -> Form:
    """Give the form the answers it asks for; leave the rest as the page has it."""
    for name in names:
        if name not in choices or name not in form.fields:
            continue
        value = choices[name]
        if isinstance(value, tuple) and any(field.attrs.get("type") == "checkbox" for field in form.fields[name]):
            for box in form.fields[name]:
                box.checked = box._value in value
        else:
            form[name] = str(value[0] if isinstance(value, tuple) else value)
    return form


def start(app: DjangoTestApp, slug: str) -> TestResponse:
    """Press the card's button on the catalogue."""
    catalogue = app.get("/")
    card = next(form for form in catalogue.forms.values() if form.action == f"/orders/start/{slug}/")
    return card.submit().follow()


def walk(app: DjangoTestApp, slug: str, choices: dict[str, Any], *, until: str = "review") -> TestResponse:
    """From the catalogue to the page of step `until`."""
    page = start(app, slug)
    for names in STEP_FIELDS.values():
        if page.request.path.rstrip("/").endswith(until):
            return page
        page = fill(wizard_form(page), choices, names).submit().follow()
    return page


def place(page: TestResponse, reason: str = "It is wanted once more") -> tuple[TestResponse, Order]:
    """Press the button of the review page, with a reason where it asks for one; the order's page and its row."""
    form = page.forms["place"]
    if "reason" in form.fields:
        form["reason"] = reason
    shown = form.submit().follow()
    return shown, Order.objects.get(pk=shown.request.path.strip("/").split("/")[1])

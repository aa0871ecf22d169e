"""The vendor's catalogue has no documented shape: in each that the sandbox draws, the wizards give the same bodies."""

from __future__ import annotations

import pytest
from django.test import Client
from django_webtest import DjangoTestApp

from orders.models import Order
from orders.wizard import step_url
from tests.tutorials import CHOICES, SLUGS, sample_request, unsigned
from tests.walking import place, walk, wizard_form
from yeastar_api.sandbox import Sandbox

SHAPES = [
    ["nested"],
    ["beside"],
    ["renamed"],
    ["nested", "numbers"],
    ["beside", "bare"],
    ["nested", "strange"],
    ["renamed", "numbers", "bare", "strange"],
]


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("shape", SHAPES, ids="+".join)
def test_the_body_is_the_sample_whatever_the_shape(
    slug: str, shape: list[str], app: DjangoTestApp, sandbox: Sandbox
) -> None:
    sandbox.configure(catalogue_shape=shape)
    _, order = place(walk(app, slug, CHOICES[slug]))
    assert unsigned(order.request_body, order.reference) == sample_request(slug)


@pytest.mark.parametrize("shape", SHAPES, ids="+".join)
def test_disaster_recovery_hangs_under_the_ultimate_plan_whatever_the_shape(
    shape: list[str], app: DjangoTestApp, sandbox: Sandbox
) -> None:
    sandbox.configure(catalogue_shape=shape)
    choices = {**CHOICES["software-edition-license"], "plan_id": "3049040587724718080"}
    page = walk(app, "software-edition-license", choices, until="plan")
    form = wizard_form(page)
    form["plan_id"] = "3049040587724718080"
    form["quantity"], form["multi_cycle"] = "5", "1"
    for box in form.fields["service_id"]:
        box.checked = box._value == "3129372068699893760"
    page = form.submit(status=422)
    # Where the answer does not tell which services a plan has, the tutorial's own rule still stands.
    assert "is not on offer with" in page or "Disaster Recovery is only supported on Ultimate Plan" in page


def test_trials_are_not_sold(app: DjangoTestApp, sandbox: Sandbox) -> None:
    sandbox.configure(catalogue_shape=["strange"])
    page = walk(app, "turnkey-capacity", CHOICES["turnkey-capacity"], until="plan")
    services = [value for value, *_ in wizard_form(page).fields["service_id"][0].options]
    assert len(services) == len(set(services)) == 4


def test_without_names_the_ids_are_shown(app: DjangoTestApp, sandbox: Sandbox) -> None:
    sandbox.configure(catalogue_shape=["bare"])
    page = walk(app, "linkus-cloud-service", CHOICES["linkus-cloud-service"])
    assert "Plan 3048918321840570368" in page


def test_an_empty_catalogue_is_said_and_not_a_crash(app: DjangoTestApp, alices: Client, sandbox: Sandbox) -> None:
    plan = CHOICES["turnkey-capacity"]["plan_id"]
    sandbox.world.happen({"event": "removed", "what": "plans", "id": plan})
    page = walk(app, "turnkey-capacity", CHOICES["turnkey-capacity"], until="target")
    wizard_form(page).submit()
    order = Order.objects.get()
    shown = alices.get(step_url(order, "plan")).content.decode()
    assert "offers nothing for this at the moment" in shown
    sent = alices.post(step_url(order, "plan"), CHOICES[order.slug])
    assert "offers nothing for this at the moment" in sent.content.decode()
    order.refresh_from_db()
    assert order.picked.plan_id == ""

"""The tutorials are the oracle: `compose` writes their sample bodies exactly."""

import json
from dataclasses import replace

import pytest

from orders.composing import Choices, Line, Recipe, Target, compose
from orders.recipes import RECIPES
from orders.rules import check
from tests.tutorials import CHOICES, SLUGS, sample_request


def typed(value: object) -> object:
    """A value with the JSON type of every part, so that 1 and True or "1" differ."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, value


@pytest.mark.parametrize("slug", SLUGS)
def test_the_composed_body_is_the_tutorials_sample(slug: str) -> None:
    body = compose(RECIPES[slug], Choices().changed(CHOICES[slug])).to_bytes()
    assert typed(json.loads(body)) == typed(sample_request(slug))


def test_every_recipe_has_a_golden_pair() -> None:
    assert set(RECIPES) == set(SLUGS)


def test_the_rm_premium_tutorial_contradicts_itself_and_we_renew() -> None:
    assert RECIPES["rm-premium-renewal"].operation == "renew_service"


def test_a_subordinate_user_is_named_by_a_number_at_the_top() -> None:
    choices = Choices().changed({**CHOICES["turnkey-capacity"], "partner_id": "3190000000000000001"})
    body = json.loads(compose(RECIPES["turnkey-capacity"], choices).to_bytes())
    assert body["partnerId"] == 3190000000000000001


@pytest.mark.parametrize("slug", SLUGS)
def test_every_rule_holds_for_the_tutorials_sample(slug: str) -> None:
    recipe, choices = RECIPES[slug], Choices().changed(CHOICES[slug])
    findings = check(recipe, choices, compose(recipe, choices))
    assert findings
    assert [finding.sentence for finding in findings if not finding.holds] == []
    assert all("tutorial" in finding.source for finding in findings)


BROKEN = [
    ("software-edition-license", {"multi_cycle": 0}, "years on offer"),
    ("software-edition-license", {"multi_cycle": 6}, "years on offer"),
    ("linkus-cloud-service", {"multi_cycle": None}, "years on offer"),
    ("linkus-cloud-service", {"product_no": ""}, "serial number"),
    ("software-edition-license", {"plan_id": "3049040000000000000"}, "Disaster Recovery"),
    ("turnkey-capacity", {"quantity": 0}, "whole number"),
    ("turnkey-capacity", {"service_id": ()}, "Something is ordered"),
    ("rm-premium-renewal", {"billing_contact_id": ""}, "billing contact"),
]


@pytest.mark.parametrize(("slug", "changes", "sentence"), BROKEN)
def test_a_broken_rule_is_found(slug: str, changes: dict[str, object], sentence: str) -> None:
    recipe = RECIPES[slug]
    choices = replace(Choices().changed(CHOICES[slug]), **changes)
    broken = [each.sentence for each in check(recipe, choices, compose(recipe, choices)) if not each.holds]
    assert any(sentence in each for each in broken), broken


def test_rules_judge_the_body_and_not_the_way_it_came_about() -> None:
    recipe = RECIPES["software-edition-license"]
    choices = Choices().changed(CHOICES[recipe.slug])
    request = compose(recipe, choices)
    plan, service = request.lines
    uneven = request.model_copy(update={"lines": (plan, service.model_copy(update={"multi_cycle": 1}))})
    elsewhere = request.model_copy(update={"lines": (plan, service.model_copy(update={"connection_plan_id": "1"}))})
    both = request.model_copy(update={"partner_id": "3190000000000000001"})
    for wrong in (uneven, elsewhere, both):
        assert [each for each in check(recipe, choices, wrong) if not each.holds]


def test_a_changed_answer_drops_only_what_depended_on_it() -> None:
    choices = Choices().changed(CHOICES["software-edition-license"])
    moved = choices.changed({"product_no": "3651E0000001"})
    assert (moved.plan_id, moved.service_id) == ("", None)
    assert (moved.quantity, moved.multi_cycle, moved.billing_contact_id) == (100, 2, choices.billing_contact_id)
    assert choices.changed({"plan_id": "1"}).service_id is None
    assert choices.changed({"quantity": 5}).service_id == choices.service_id
    assert choices.changed({"plan_id": choices.plan_id}).service_id == choices.service_id


def test_choices_survive_being_stored() -> None:
    choices = Choices().changed({**CHOICES["software-edition-license"], "labels": {"1": "A name"}})
    assert Choices.from_json(json.loads(json.dumps(choices.to_json()))) == choices
    assert Choices.from_json({"quantity": 3, "from_another_version": 1}) == Choices(quantity=3)


HOTEL_PMS = Recipe(
    slug="appliance-hotel-pms",
    title="Hotel PMS for a P-Series Appliance",
    summary="",
    icon="",
    product_id="11",
    operation="purchase_service",
    target=Target.DEVICE,
    lines=(
        Line(
            service_type="service",
            purchase_type="purchase",
            billing_model="once",
            billing_cycle="once",
            under_plan=True,
        ),
    ),
)


def test_a_sixth_product_is_a_recipe_and_nothing_else() -> None:
    choices = Choices().changed(
        {
            "product_no": "3631A2000001",
            "plan_id": "3049050000000000009",
            "service_id": ("3049050000000000001",),
            "billing_contact_id": "3197218168379846218",
        }
    )
    request = compose(HOTEL_PMS, choices)
    assert json.loads(request.to_bytes()) == {
        "operationType": "purchase_service",
        "productId": 11,
        "productNo": "3631A2000001",
        "billingId": 3197218168379846218,
        "serviceList": [
            {
                "connectionPlanId": 3049050000000000009,
                "serviceType": "service",
                "serviceId": 3049050000000000001,
                "purchaseType": "purchase",
                "billingModel": "once",
                "billingCycle": "once",
                "multiCycle": 0,
            }
        ],
    }
    assert all(finding.holds for finding in check(HOTEL_PMS, choices, request))

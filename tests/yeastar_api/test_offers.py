"""Offers are found wherever they lie: by key, never by path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yeastar_api.messages import Offers

PLAN, OTHER, SERVICE = "3049041101760282624", "3049036224189325312", "3129372068699893760"


def test_a_service_inside_a_plan_belongs_to_it():
    offers = Offers.read({"planList": [{"planId": PLAN, "serviceList": [{"serviceId": SERVICE}]}]})
    assert [plan.plan_id for plan in offers.plans] == [PLAN]
    assert offers.services[0].plan_ids == {PLAN}


@pytest.mark.parametrize("key", ["planId", "connectionPlanId"])
def test_a_service_beside_its_plan_belongs_to_the_plan_it_names(key):
    offers = Offers.read([{"planId": int(PLAN)}, {"serviceId": int(SERVICE), key: int(PLAN)}])
    assert [plan.plan_id for plan in offers.plans] == [PLAN]
    assert offers.services[0].plan_ids == {PLAN}


def test_a_plan_inside_a_service_is_the_one_it_hangs_on():
    offers = Offers.read({"serviceId": SERVICE, "requires": {"planId": PLAN, "planName": "Ultimate"}})
    assert offers.services[0].plan_ids == {PLAN}
    assert offers.plans[0].label == "Ultimate"


def test_a_service_that_names_no_plan_stands_alone_and_suits_every_plan():
    offers = Offers.read({"plans": [{"planId": 1}, {"planId": 2, "x": [{"serviceId": 3}]}], "y": [{"serviceId": 4}]})
    assert [service.service_id for service in offers.services_of("1")] == ["4"]
    assert [service.service_id for service in offers.services_of("2")] == ["3", "4"]


def test_a_service_under_two_plans_belongs_to_both():
    inside = {"serviceId": SERVICE, "name": "Disaster Recovery"}
    offers = Offers.read([{"planId": PLAN, "s": [inside]}, {"planId": OTHER, "s": [inside]}])
    assert len(offers.services) == 1
    assert offers.services[0].plan_ids == {PLAN, OTHER}


def test_labels_are_the_names_found_and_else_the_whole_id():
    offers = Offers.read(
        [
            {"planId": 1, "planName": "Ultimate", "title": "no"},
            {"planId": 2, "name": " Basic "},
            {"planId": 3, "planName": None, "title": ""},
            {"serviceId": 4, "planId": 1, "planName": "Ultimate", "serviceName": "Recording"},
            {"serviceId": 5, "planName": "Ultimate"},
        ]
    )
    assert [plan.label for plan in offers.plans] == ["Ultimate", "Basic", "Plan 3"]
    assert [service.label for service in offers.services] == ["Recording", "Service 5"]


def test_of_two_sightings_the_one_that_is_no_trial_counts():
    trial = {"serviceId": 1, "name": "Try it", "purchaseType": "trial", "maxQuantity": 5}
    real = {"serviceId": 1, "name": "Buy it", "purchaseType": "purchase", "minQuantity": 10}
    for order in ([trial, real], [real, trial]):
        service = Offers.read(order).services[0]
        assert (service.label, service.purchase_type) == ("Buy it", "purchase")
        assert (service.min_quantity, service.max_quantity) == (10, None)
        assert service.raw == real


def test_what_is_only_on_trial_says_so():
    plan = Offers.read({"planId": 1, "purchaseType": "trial", "maxQuantity": 5}).plans[0]
    assert (plan.purchase_type, plan.max_quantity) == ("trial", 5)


def test_prices_inside_an_item_tell_its_purchase_type_and_its_bounds():
    steps = [
        {"purchaseType": "trial", "maxQuantity": 3},
        {"purchaseType": "purchase", "minQuantity": "11", "maxQuantity": "50"},
        {"purchaseType": "purchase", "minQuantity": 1, "maxQuantity": 10},
    ]
    inner = {"serviceId": 2, "minQuantity": 400}
    plan = Offers.read({"planId": 1, "pricing": {"steps": steps}, "services": [inner]}).plans[0]
    assert (plan.purchase_type, plan.min_quantity, plan.max_quantity) == ("purchase", 1, 50)


@pytest.mark.parametrize(
    ("told", "bounds"),
    [
        ({}, (None, None)),
        ({"minQuantity": 5}, (5, None)),
        ({"minQuantity": 5, "maxQuantity": None}, (5, None)),
        ({"minQuantity": 5, "maxQuantity": 0}, (5, None)),
        ({"minQuantity": 5, "maxQuantity": -1}, (5, None)),
        ({"minQuantity": 9, "maxQuantity": 5}, (None, None)),
        ({"minQuantity": "many", "maxQuantity": "5.5"}, (None, None)),
    ],
)
def test_bounds_are_used_when_told_and_never_invented(told, bounds):
    service = Offers.read({"serviceId": 1} | told).services[0]
    assert (service.min_quantity, service.max_quantity) == bounds


@pytest.mark.parametrize("nothing", [None, [], {}, "x", 7, {"planId": None}, {"planId": 0, "serviceId": ""}])
def test_an_answer_without_offers_has_none(nothing):
    offers = Offers.read(nothing)
    assert (offers.plans, offers.services) == ((), ())
    assert offers.raw == nothing


WORDS = st.sampled_from(["planList", "services", "data", "items", "x", "children"])
NOISE = st.sampled_from([None, 1, "text", [], {}, {"currency": "USD"}, [{"price": "9.90"}]])


@st.composite
def worlds(draw):
    """Plans with services, and services that stand alone."""
    ids = draw(st.lists(st.integers(1, 2**63), min_size=1, max_size=8, unique=True))
    plans = ids[: draw(st.integers(0, len(ids)))]
    services = {each: draw(st.sets(st.sampled_from(plans))) if plans else set() for each in ids[len(plans) :]}
    return plans, services


@st.composite
def shapes(draw, world):
    """One of the many ways to say the same."""
    plans, services = world
    spell = lambda number: draw(st.sampled_from([number, str(number)]))  # noqa: E731
    inside = {plan: [] for plan in plans}
    beside = []
    for service, owners in services.items():
        for owner in owners:
            if draw(st.booleans()):
                inside[owner].append({"serviceId": spell(service)})
            else:
                beside.append(
                    {"serviceId": spell(service), draw(st.sampled_from(["planId", "connectionPlanId"])): spell(owner)}
                )
        if not owners:
            beside.append({"serviceId": spell(service)})
    told = [{"planId": spell(plan), draw(WORDS): inside[plan]} for plan in plans] + beside
    told += draw(st.lists(st.sampled_from(told), max_size=2))
    told = draw(st.permutations(told))
    node = {f"{draw(WORDS)}{n}": item for n, item in enumerate(told)} if draw(st.booleans()) else told
    for _ in range(draw(st.integers(0, 3))):
        node = draw(st.sampled_from([[node], {draw(WORDS): node, "noise": draw(NOISE)}]))
    return node


@given(st.data())
def test_however_the_answer_is_shaped_the_offers_are_the_same(data):
    world = data.draw(worlds())
    plans, services = world
    offers = Offers.read(data.draw(shapes(world)))
    assert sorted(plan.plan_id for plan in offers.plans) == sorted(str(plan) for plan in plans)
    assert {service.service_id: service.plan_ids for service in offers.services} == {
        str(service): {str(plan) for plan in owners} for service, owners in services.items()
    }

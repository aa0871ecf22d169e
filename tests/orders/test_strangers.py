"""What a request may not do: reach another's draft, skip the method, the token or the size, or smuggle markup in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders.lifecycle import Status
from orders.models import Contact, Order, Partner
from orders.wizard import STEPS, step_url
from tests.conftest import approval
from tests.tutorials import CHOICES, CONTACT
from yeastar_api.sandbox import Sandbox, catalogue

Draft = Callable[[str], Order]
SignIn = Callable[[User], Client]

PARTNER = "3106913644890832897"


def urls_of(order: Order) -> list[tuple[str, str]]:
    """Every URL of one order: method and path."""
    here = f"/orders/{order.pk}"
    steps = [("get", step_url(order, name)) for name in STEPS] + [("post", step_url(order, name)) for name in STEPS]
    pickers = [
        ("get", f"{here}/target/options/?name=partner_id"),
        ("get", f"{here}/billing/options/?name=billing_contact_id"),
    ]
    verbs = [("post", f"{here}/{verb}/") for verb in ("place", "again", "discard", "restore")]
    return [("get", f"{here}/"), ("get", f"{here}.json"), *steps, *pickers, *verbs]


@pytest.mark.parametrize("who", ["bob", "mona", "adam"])
def test_anothers_draft_does_not_exist(who: str, draft: Draft, sign_in: SignIn, request: pytest.FixtureRequest) -> None:
    order = draft("turnkey-capacity")
    client = sign_in(request.getfixturevalue(who))
    given = {**CHOICES[order.slug], "partner_id": PARTNER, **approval(order)}
    answers = {(method, url): getattr(client, method)(url, given).status_code for method, url in urls_of(order)}
    assert set(answers.values()) == {404}, answers
    settled = client.post(f"/orders/{order.pk}/settle/", {"outcome": "never", "reason": "x"}).status_code
    assert settled == (403 if who == "bob" else 404)
    fresh = Order.objects.get()
    assert (fresh.choices, fresh.status, fresh.discarded_at) == (order.choices, Status.DRAFT, None)


def test_the_urls_that_are_walked_are_all_there_are(draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    reached = {getattr(alices, method)(url).status_code for method, url in urls_of(order)}
    assert 404 not in reached, "or the test above would prove nothing"


def test_anothers_placed_order_does_not_exist_for_staff_and_is_only_read_by_a_manager(
    queued: Callable[..., Order], bob: User, mona: User, sign_in: SignIn
) -> None:
    order = queued()
    for method, url in urls_of(order):
        assert getattr(sign_in(bob), method)(url).status_code == 404, url
    manager = sign_in(mona)
    readable = {f"/orders/{order.pk}/", f"/orders/{order.pk}.json"}
    for method, url in urls_of(order):
        if url.endswith("/again/"):
            continue
        assert getattr(manager, method)(url).status_code == (200 if url in readable else 404), url


POST_ONLY = ["place", "again", "discard", "restore", "settle"]


@pytest.mark.parametrize("verb", POST_ONLY)
@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch", "options"])
def test_what_changes_something_takes_a_post_and_nothing_else(
    verb: str, method: str, draft: Draft, mona: User, sign_in: SignIn
) -> None:
    order = draft("turnkey-capacity")
    answer = getattr(sign_in(mona), method)(f"/orders/{order.pk}/{verb}/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_a_step_is_read_and_answered_and_nothing_else(method: str, draft: Draft, alices: Client) -> None:
    assert getattr(alices, method)(step_url(draft("turnkey-capacity"), "plan")).status_code == 405


def test_starting_takes_a_post(accounts: None, alices: Client) -> None:
    assert alices.get("/orders/start/turnkey-capacity/").status_code == 405
    assert Order.objects.count() == 0


@pytest.mark.parametrize("name", ["nowhere", "steps", "Target", "reviews"])
def test_an_unknown_step_does_not_exist(name: str, draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    for path in (f"/orders/{order.pk}/{name}/", f"/orders/{order.pk}/{name}/options/?name=partner_id"):
        assert alices.get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/orders/1/", "/orders/not-a-uuid/", f"/orders/{'0' * 8}-0000-4000-8000-{'0' * 12}/", "/orders/x.json", "/no/"],
)
def test_an_unknown_order_does_not_exist(path: str, db: None, alices: Client) -> None:
    page = alices.get(path)
    assert page.status_code == 404
    assert "nothing at this address" in page.content.decode()


@pytest.mark.parametrize("name", ["", "plan_id", "product_no", "labels", "partner_id\x00", "billing_contact_id"])
def test_a_picker_that_is_not_on_the_step_does_not_exist(name: str, draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    assert alices.get(f"/orders/{order.pk}/target/options/", {"name": name}).status_code == 404


def test_without_its_token_no_form_is_taken(draft: Draft, alice: User) -> None:
    order = draft("turnkey-capacity")
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    forms = [
        (step_url(order, "plan"), CHOICES[order.slug]),
        (f"/orders/{order.pk}/place/", approval(order)),
        (f"/orders/{order.pk}/discard/", {}),
        ("/orders/start/turnkey-capacity/", {}),
        ("/accounts/logout/", {}),
    ]
    for url, given in forms:
        page = client.post(url, given)
        assert page.status_code == 403, url
        assert "Nothing was sent and nothing was bought" in page.content.decode()
    order.refresh_from_db()
    assert (Order.objects.count(), order.status, order.discarded_at) == (1, Status.DRAFT, None)
    review = client.get(step_url(order, "review")).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', review)
    assert token is not None
    given = {**approval(order), "csrfmiddlewaretoken": token[1]}
    assert client.post(f"/orders/{order.pk}/place/", given).status_code == 302


@pytest.mark.parametrize(
    "given",
    [{"po_number": "x" * 300_000}, {f"field{number}": "x" for number in range(1100)}],
    ids=["too long", "too many fields"],
)
def test_a_huge_form_is_refused_before_it_is_read(given: dict[str, str], draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    page = alices.post(step_url(order, "billing"), {"billing_contact_id": CONTACT, **given})
    assert page.status_code == 400
    assert "Nothing was bought" in page.content.decode()
    order.refresh_from_db()
    assert order.picked.po_number == ""


@pytest.mark.parametrize(
    "query", ["a\x00b", "\x00", "\ud800".encode("utf-8", "surrogatepass"), "%", "_", "'", "x" * 9000]
)
def test_any_search_is_answered(query: Any, draft: Draft, alices: Client) -> None:
    order = draft("turnkey-capacity")
    for step, name in (("target", "partner_id"), ("billing", "billing_contact_id")):
        asked = {"name": name, f"q_{name}": query, name: query}
        found = alices.get(f"/orders/{order.pk}/{step}/options/", asked)
        assert found.status_code == 200
        assert b"\x00" not in found.content, "PostgreSQL would have refused the question"
        posted = alices.post(step_url(order, step), {"find": "1", f"q_{name}": query, name: query})
        assert posted.status_code == 200
    assert alices.get("/orders/", {"status": query, "page": query}).status_code == 200


MARKUP = "<img src=x onerror=alert(1)>&\"'</script><script>alert(1)</script>"


def test_markup_in_every_typed_and_mirrored_text_stays_text(
    draft: Draft, alice: User, alices: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = catalogue.PRODUCTS[14]
    plan = product.plans[0]
    service = catalogue.Item(int(CHOICES["turnkey-capacity"]["service_id"][0]), f"S{MARKUP}", "extensions", 1)
    evil = catalogue.Plan(plan.id, f"P{MARKUP}", None, 1, (service,))
    monkeypatch.setitem(catalogue.PRODUCTS, 14, catalogue.Product(14, f"N{MARKUP}", product.offering, (evil,)))
    everything = {name: f"{name}{MARKUP}" for name in ("email", "company", "first_name", "last_name", "country")}
    for model, remote_id in ((Partner, PARTNER), (Contact, CONTACT)):
        model.objects.filter(remote_id=remote_id).update(**everything, raw={"street": f"raw{MARKUP}"})
    User.objects.filter(pk=alice.pk).update(username=f"u{MARKUP}", first_name=MARKUP, email=MARKUP)

    order = draft("turnkey-capacity")
    assert alices.post(step_url(order, "target"), {"partner_id": PARTNER}).status_code == 302
    assert alices.post(step_url(order, "plan"), CHOICES[order.slug]).status_code == 302
    given = {"billing_contact_id": CONTACT, "po_number": MARKUP[:64]}
    assert alices.post(step_url(order, "billing"), given).status_code == 302
    order.refresh_from_db()
    pages = [alices.get(step_url(order, name)) for name in STEPS]
    bad = {"q_partner_id": MARKUP, "partner_id": MARKUP, "quantity": MARKUP, "po_number": MARKUP * 2}
    pages += [alices.post(step_url(order, name), bad) for name in ("target", "plan", "billing")]
    pages += [alices.get(f"/orders/{order.pk}/target/options/", {"name": "partner_id", "q_partner_id": MARKUP})]
    pages += [alices.get("/"), alices.get("/orders/"), alices.get(f"/no/{MARKUP}/")]
    alices.post(f"/orders/{order.pk}/place/", approval(order))
    order.refresh_from_db()
    assert order.status == Status.QUEUED
    receipt = {"order_no": f"LR{MARKUP}"[:60], "remote_status": MARKUP, "problem": MARKUP, "answer": MARKUP}
    Order.objects.filter(pk=order.pk).update(status=Status.FAILED, **receipt)
    order.note(title=MARKUP, words=MARKUP, actor=alice, data={MARKUP: MARKUP})
    pages += [alices.get(f"/orders/{order.pk}/"), alices.get("/orders/")]
    for page in pages:
        shown = page.content.decode()
        assert "<img" not in shown, page.request["PATH_INFO"]
        assert "<script>" not in shown, page.request["PATH_INFO"]
        assert "onerror=" not in re.sub(r"&lt;img src=x onerror=", "", shown), page.request["PATH_INFO"]
    assert "&lt;img src=x" in pages[0].content.decode()

"""Admins limit for whom somebody may order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders import placing
from orders.models import AuditEntry, Limits, Partner
from portal.people import keeping
from tests.conftest import person
from tests.tutorials import CHOICES

SignIn = Callable[[User], Client]


@pytest.fixture
def adams(adam: User, sign_in: SignIn, accounts: None) -> Client:
    return sign_in(adam)


def url(user: User) -> str:
    return f"/people/{user.pk}/limits/"


def test_customers_are_added_and_taken_out_and_the_limit_set(adams: Client, alice: User) -> None:
    one, two, *_ = Partner.objects.all()
    adams.post(url(alice), {"do": "add", "partner": [one.pk, two.pk]})
    assert not Limits.objects.get().limited, "a list alone limits nothing"
    adams.post(url(alice), {"do": "save", "limited": "yes", "any_pbx": "on"})
    adams.post(url(alice), {"do": "remove", "partner": [two.pk]})
    limits = Limits.objects.get(person=alice)
    assert (limits.limited, limits.own_account, limits.any_pbx) == (True, False, True)
    assert list(limits.partners.all()) == [one]
    assert "1 customer, every PBX" in adams.get("/people/").content.decode()
    told = [entry.data for entry in AuditEntry.objects.filter(action="limits.changed").order_by("pk")]
    assert told[0] == {"customers_added": sorted(f"{each} ({each.remote_id})" for each in (one, two))}
    assert told[1] == {"limited": {"before": False, "after": True}, "any_pbx": {"before": False, "after": True}}
    assert told[2] == {"customers_removed": [f"{two} ({two.remote_id})"]}
    # Off again: what was chosen is remembered.
    adams.post(url(alice), {"do": "save", "limited": "no"})
    limits.refresh_from_db()
    assert (limits.limited, limits.any_pbx, limits.partners.count()) == (False, True, 1)


def test_looking_at_the_page_writes_nothing(adams: Client, alice: User) -> None:
    assert adams.get(url(alice)).status_code == 200
    assert Limits.objects.count() == 0


def test_the_search_narrows_and_stays(adams: Client, alice: User) -> None:
    some = Partner.objects.exclude(company="")[0]
    shown = adams.get(url(alice), {"q": some.company})
    assert some in list(shown.context["found"])
    assert len(shown.context["found"]) < Partner.objects.count()
    answer = adams.post(url(alice), {"do": "add", "partner": some.pk, "q": some.company}, follow=True)
    assert answer.context["q"] == some.company
    assert some not in list(answer.context["found"])


@pytest.mark.parametrize("named", ["x", "-1", "9" * 30, "", "²", "1 OR 1=1"])
def test_what_is_no_customer_is_not_added(adams: Client, alice: User, named: str) -> None:
    assert adams.post(url(alice), {"do": "add", "partner": named}).status_code == 302
    assert Limits.objects.get().partners.count() == 0


def test_a_customer_who_is_hidden_or_gone_is_not_added_and_one_that_leaves_stays_and_is_marked(
    adams: Client, alice: User
) -> None:
    hidden, leaves, *_ = Partner.objects.all()
    Partner.objects.filter(pk=hidden.pk).update(hidden=True)
    adams.post(url(alice), {"do": "add", "partner": [hidden.pk, leaves.pk]})
    assert list(Limits.objects.get().partners.all()) == [leaves]
    Partner.objects.filter(pk=leaves.pk).update(gone_at=leaves.mirrored_at)
    assert "No longer in Yeastar" in adams.get(url(alice)).content.decode()


@pytest.mark.parametrize("sent", [{}, {"do": "save"}, {"do": "save", "limited": "maybe"}, {"do": "grant"}])
def test_what_makes_no_sense_is_refused(adams: Client, alice: User, sent: dict[str, str]) -> None:
    assert adams.post(url(alice), sent).status_code == 422
    assert not Limits.objects.get().limited


def test_drafts_that_are_closed_by_it_are_told_of(adams: Client, alice: User) -> None:
    order = placing.start(slug="turnkey-capacity", owner=alice)
    placing.answer(order, CHOICES["turnkey-capacity"])
    shown = adams.post(url(alice), {"do": "save", "limited": "yes"}, follow=True).content.decode()
    assert "alice has 1 draft for somebody who is not open to them now" in shown


def test_an_admin_who_was_demoted_a_moment_ago_limits_nobody(adams: Client, adam: User, alice: User) -> None:
    keeping.give_role(adam, "staff", actor=person("ann", "admin"))
    assert adams.post(url(alice), {"do": "save", "limited": "yes"}).status_code == 403

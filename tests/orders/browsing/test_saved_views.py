"""Filters that are kept under a name, each person's own."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from orders.models import SavedView
from tests.orders.browsing.kit import SignIn


def test_a_view_is_saved_replaced_opened_and_deleted(monas: Client, mona: User) -> None:
    given = {"name": " Waiting  money ", "query": "status=pending&after=7&bad=1"}
    assert monas.post("/history/views/", given).url == "/history/?status=pending"
    view = SavedView.objects.get()
    assert (view.owner, view.name, view.query) == (mona, "Waiting money", "status=pending")
    page = monas.get("/history/?status=pending")
    assert page.context["view"].pk == view.pk
    assert "Waiting money" in page.content.decode()
    answer = monas.post("/history/views/", given | {"query": "status=failed"}, follow=True)
    assert "You have a view “Waiting money” already." in answer.content.decode()
    assert SavedView.objects.get().query == "status=pending"
    assert "Replace mine of that name" in answer.content.decode()
    monas.post("/history/views/", given | {"query": "status=failed", "replace": "1"})
    assert SavedView.objects.get().query == "status=failed"
    monas.post(f"/history/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", " \t ", "x" * 61])
def test_a_view_needs_a_name_of_some_length(monas: Client, name: str) -> None:
    page = monas.post("/history/views/", {"name": name, "query": "q=1"}, follow=True)
    assert page.status_code == 200
    assert SavedView.objects.filter(name__in=["", name]).count() == 0


def test_views_are_their_owners_alone(monas: Client, mona: User, adam: User, sign_in: SignIn) -> None:
    monas.post("/history/views/", {"name": "hers", "query": "status=pending"})
    view = SavedView.objects.get()
    adams = sign_in(adam)
    assert "hers" not in adams.get("/history/").content.decode()
    assert adams.post(f"/history/views/{view.pk}/delete/").status_code == 404
    adams.post("/history/views/", {"name": "hers", "query": "q=his"})
    assert SavedView.objects.get(owner=mona).query == "status=pending"

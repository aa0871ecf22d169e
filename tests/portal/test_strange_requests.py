"""What no browser of a person sends: each gets a plain answer and never a mistake of ours."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

from orders.lifecycle import Status
from orders.models import Order
from orders.wizard import step_url
from portal.doorman import LARGEST_BODY
from tests.conftest import approval

LOGIN = "/accounts/login/"
FORM = "application/x-www-form-urlencoded"

BROKEN = ["http://[", "http://[::1", "//[", "http://[x]/"]


def next_of(url: str) -> str:
    assert urlsplit(url).path == LOGIN
    return parse_qs(urlsplit(url).query)["next"][0]


@pytest.mark.parametrize("url", BROKEN)
def test_a_current_url_that_is_none_leads_to_the_start(url: str, db: None, client: Client) -> None:
    answer = client.get("/orders/", headers={"HX-Request": "true", "HX-Current-URL": url})
    assert next_of(answer["HX-Redirect"]) == "/"


@pytest.mark.parametrize("url", BROKEN)
def test_a_referer_that_is_none_leads_to_the_start(url: str, db: None, client: Client) -> None:
    assert next_of(client.post("/orders/", headers={"Referer": url})["Location"]) == "/"


@pytest.mark.parametrize("path", ["//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example"])
def test_no_login_leads_to_a_path_that_is_another_host(path: str, db: None, client: Client) -> None:
    here = f"http://testserver/{path.lstrip('/')}" if path.startswith("\\") else f"http://testserver{path}"
    by_htmx = client.get("/orders/", headers={"HX-Request": "true", "HX-Current-URL": here})
    by_form = client.post("/orders/", headers={"Referer": here})
    for url in (by_htmx["HX-Redirect"], by_form["Location"]):
        assert next_of(url) == "/evil.example"


@pytest.mark.parametrize("url", BROKEN)
def test_a_next_that_is_no_url_leads_to_the_start(url: str, alice: User, client: Client) -> None:
    assert client.get(LOGIN, {"next": url}).status_code == 200
    given = {"login": "alice", "password": "a-good-password", "next": url}
    assert client.post(LOGIN, given).url == "/"
    assert client.get(LOGIN, {"next": url}).status_code == 302
    assert client.post("/accounts/logout/", {"next": url}).status_code == 302


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "hex", "rot13", "base64", "idna"])
@pytest.mark.parametrize("path", [LOGIN, "/orders/", "/no-such-page/"])
def test_another_alphabet_is_a_plain_400(charset: str, path: str, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get(LOGIN)
    kind = f"{FORM}; charset={charset}"
    answer = client.generic("POST", path, b"login=alice&password=%E9", kind)
    assert answer.status_code == 400
    assert "Nothing was bought" in answer.content.decode()
    assert answer["Content-Security-Policy"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", "no-such-alphabet"])
def test_utf_8_may_be_spelt_as_one_likes(charset: str, alice: User, client: Client) -> None:
    given = b"login=alice&password=a-good-password"
    answer = client.generic("POST", LOGIN, given, f"{FORM}; charset={charset}")
    assert answer.status_code == 302


@pytest.mark.parametrize("cookie", ['"a\\000b"', "a\x00b", "x" * 5000, "A" * 32, "", "../../etc/passwd"])
def test_a_session_cookie_that_is_none_never_reaches_the_database(cookie: str, db: None) -> None:
    asked: list[str] = []

    def watch(execute: Callable[..., Any], sql: str, params: Any, *more: Any) -> Any:
        asked.append(sql)
        return execute(sql, params, *more)

    with connection.execute_wrapper(watch):
        answer = Client(headers={"Cookie": f"sessionid={cookie}"}).get("/orders/")
    assert answer.status_code == 302
    assert [sql for sql in asked if "django_session" in sql] == []


def locked(*_: object) -> None:
    raise OperationalError("database is locked")


def gone(*_: object) -> None:
    raise OperationalError("server closed the connection unexpectedly")


def test_a_busy_database_while_placing_is_said_and_leads_to_the_order(
    draft: Callable[[str], Order], alices: Client
) -> None:
    order = draft("turnkey-capacity")
    given = approval(order)
    alices.raise_request_exception = False

    def lock_of_another(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        return locked() if sql.startswith("UPDATE") else execute(sql, *more)

    with connection.execute_wrapper(lock_of_another):
        answer = alices.post(f"/orders/{order.pk}/place/", given)
    shown = answer.content.decode()
    assert answer.status_code == 503
    assert "database is busy" in shown
    assert "Nothing was placed" not in shown, "what failed may be what is saved after the order"
    assert "not known yet whether your order was accepted" in shown
    assert f'href="/orders/{order.pk}/"' in shown
    assert answer["Retry-After"] == "5"
    assert Order.objects.get().status == Status.DRAFT


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_while_placing_leads_to_the_order_whether_it_was_accepted_or_not(
    draft: Callable[[str], Order], alices: Client
) -> None:
    alices.raise_request_exception = False
    for breaks_at, status in (('INSERT INTO "orders_orderevent"', Status.DRAFT), ("COMMIT", Status.QUEUED)):
        order = draft("turnkey-capacity")
        given = {**approval(order), "reason": "It is wanted once more"}
        answer = place_until(alices, order, given, breaks_at)
        shown = answer.content.decode()
        assert answer.status_code == 503
        assert "not known yet whether your order was accepted" in shown
        assert "Look there before you order it again" in shown
        assert f'href="/orders/{order.pk}/"' in shown
        order.refresh_from_db()
        assert order.status == status


def place_until(client: Client, order: Order, given: dict[str, str], breaks_at: str) -> Any:
    """Place it with a database that goes away at a statement; at COMMIT, after that was carried out."""
    committed: list[bool] = []

    def going(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if committed or sql.startswith(breaks_at):
            gone()
        return execute(sql, *more)

    def commit() -> None:
        real()
        if breaks_at == "COMMIT" and Order.objects.filter(pk=order.pk, status=Status.QUEUED).exists():
            committed.append(True)
            gone()

    real = connection._commit
    connection._commit = commit
    try:
        with connection.execute_wrapper(going):
            return client.post(f"/orders/{order.pk}/place/", given)
    finally:
        connection._commit = real


def test_a_database_that_is_gone_is_said_without_asking_it_again(alices: Client) -> None:
    alices.raise_request_exception = False
    with connection.execute_wrapper(gone):
        answer = alices.get("/orders/")
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()
    assert "Nothing was placed" not in answer.content.decode(), "of a broken connection nobody knows"


def test_a_body_that_no_form_of_ours_has_is_not_read(db: None, client: Client) -> None:
    class Untouchable(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("somebody read the body")

    extra: Any = {"wsgi.input": Untouchable(), "CONTENT_LENGTH": str(LARGEST_BODY + 1)}
    answer = client.post(LOGIN, content_type="multipart/form-data; boundary=x", **extra)
    assert answer.status_code == 413
    assert "too large" in answer.content.decode()
    extra["CONTENT_LENGTH"] = "9" * 5000
    assert client.post(LOGIN, content_type=FORM, **extra).status_code == 413


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_file_is_refused_and_nothing_of_it_is_kept(signed_in: bool, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    if signed_in:
        client.force_login(alice)
    file = io.BytesIO(b"x" * 100_000)
    file.name = "order.pdf"
    client.cookies["csrftoken"] = "a" * 32
    for path in (LOGIN, "/orders/"):
        file.seek(0)
        answer = client.post(path, {"csrfmiddlewaretoken": "a" * 32, "f": file})
        assert answer.status_code == 400
        assert "Nothing was bought" in answer.content.decode()


def test_a_form_without_files_may_be_sent_in_parts(draft: Callable[[str], Order], alices: Client) -> None:
    order = draft("turnkey-capacity")
    answer = alices.post(step_url(order, "billing"), {"billing_contact_id": order.picked.billing_contact_id})
    assert answer.status_code == 302

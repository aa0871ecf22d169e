"""Mail by a service that is played: what goes out, and what is said and logged when it does not."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests
import responses
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from portal import mailing

POSTMARK = "https://api.postmarkapp.com/email"
TOKEN = "the-server-token"
RESET = "/accounts/password/reset/"


@pytest.fixture
def postmark(settings: Any) -> Any:
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_SERVER_TOKEN": TOKEN}
    settings.DEFAULT_FROM_EMAIL = "portal@reseller.example"
    with responses.RequestsMock() as mock:
        yield mock


def sent(mock: responses.RequestsMock) -> dict[str, Any]:
    assert len(mock.calls) == 1
    assert mock.calls[0].request.headers["X-Postmark-Server-Token"] == TOKEN
    return dict(json.loads(mock.calls[0].request.body or "{}"))


def test_a_link_for_a_new_password_goes_out_by_the_service(alice: User, postmark: Any, client: Client) -> None:
    answer = {"ErrorCode": 0, "Message": "OK", "MessageID": "1", "SubmittedAt": "2026-11-21", "To": "alice@example.com"}
    postmark.add("POST", POSTMARK, json=answer)
    assert client.post(RESET, {"email": "alice@example.com"}).url == f"{RESET}done/"
    message = sent(postmark)
    assert message["To"] == "alice@example.com"
    assert message["From"] == "portal@reseller.example"
    assert message["Subject"] == "Choose a new password"
    link = re.findall(r"http://testserver(/accounts/password/reset/key/\S+)", message["TextBody"])[0]
    assert f'href="http://testserver{link}"' in message["HtmlBody"]
    given = {"password1": "another-good-one", "password2": "another-good-one"}
    postmark.add("POST", POSTMARK, json=answer)
    assert client.post(client.get(link).url, given).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another-good-one")


FAILURES = [
    {"status": 500, "body": "Oops alice@example.com"},
    {"status": 401, "json": {"ErrorCode": 10, "Message": f"Bad token {TOKEN}"}},
    {"status": 422, "json": {"ErrorCode": 405, "Message": "No credits to send to alice@example.com"}},
    {"body": requests.ConnectionError("Connection refused")},
    {"body": requests.Timeout("too slow")},
]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
@pytest.mark.parametrize("email", ["alice@example.com", "stranger@example.com"])
def test_a_failure_is_told_alike_to_all_and_the_log_has_neither_links_nor_addresses_nor_tokens(
    failure: dict[str, Any], email: str, alice: User, postmark: Any, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    postmark.add("POST", POSTMARK, **failure)
    page = client.post(RESET, {"email": email})
    assert page.status_code == 503
    assert "The e-mail could not be sent" in page.content.decode()
    told = [line for line in caplog.messages if line.startswith("Mail was not sent by anymail.backends.postmark")]
    assert len(told) == 1
    everything = caplog.text + page.content.decode()
    for secret in (TOKEN, "alice@example.com", "/reset/key/", "stranger@example.com"):
        assert secret not in everything


def test_a_password_is_changed_though_the_news_of_it_does_not_get_through(
    alice: User, postmark: Any, sign_in: Any
) -> None:
    postmark.add("POST", POSTMARK, status=500)
    client = sign_in(alice)
    given = {"oldpassword": "a-good-password", "password1": "another-good-one", "password2": "another-good-one"}
    assert client.post("/accounts/password/change/", given).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another-good-one")
    assert "Your password is changed" in client.get("/accounts/").content.decode()


def test_every_mail_is_text_and_the_same_as_html_and_nobodys_words_become_markup(settings: Any) -> None:
    message = mailing.compose("eve@example.com", "Hello", "Dear <b>Eve</b>,\n\nhttps://portal.example/x?a=1&b=2")
    mailing.deliver(message)
    (out,) = mail.outbox
    html = out.alternatives[0].content
    assert "Dear <b>Eve</b>" in out.body
    assert "Dear &lt;b&gt;Eve&lt;/b&gt;" in html
    assert 'href="https://portal.example/x?a=1&amp;b=2"' in html
    settings.CAN_MAIL = False
    with pytest.raises(mailing.NotSent, match="sends no e-mail"):
        mailing.deliver(message)

"""Testing the connection: every harmless call once, what is wrong in words, and nothing is ever placed."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orders import trying
from orders.destination import current_destination
from orders.diagnosis import advice
from orders.models import AuditEntry, ConnectionTest
from tests.conftest import portal_for
from tests.services.servers import free_port
from yeastar_api.auth import MemoryTokenStore
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, NotDelivered
from yeastar_api.sandbox import Sandbox

NOW = "/connection/test/now/"


def try_out(portal: PartnerPortal, who: User) -> dict[str, trying.Result]:
    test = ConnectionTest.objects.create(destination=current_destination(), who=who, started_at=timezone.now())
    results = trying.run(test, portal)
    assert len(results) == len(test.results) == trying.calls()
    return {result.call: result for result in results}


def test_all_is_well_and_nothing_was_placed(adam: User, portal: PartnerPortal, sandbox: Sandbox) -> None:
    results = try_out(portal, adam)
    assert {result.state for result in results.values()} == {trying.OK}
    assert sandbox.saves == 0
    assert sandbox.attempts == []
    assert set(sandbox.calls) == set(results)
    assert "Client id and secret are right. The new token is good for 30 minutes." in results["token"].words


def test_a_token_that_still_holds_proves_nothing_so_a_new_one_is_asked_for(
    adam: User, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    portal.products()
    sandbox.fault("token", "refuse", code="invalid_client", status=401)
    results = try_out(portal, adam)
    assert results["token"].state == trying.BAD
    assert "does not accept client id and secret" in results["token"].words
    assert {result.state for call, result in results.items() if call != "token"} == {trying.SKIPPED}


@pytest.mark.parametrize(
    ("call", "fault", "wrong", "todo"),
    [
        (
            "token",
            {"kind": "refuse", "code": "ip_denied", "detailMessage": "x"},
            "calls from our address",
            "allow-list",
        ),
        (
            "token",
            {"kind": "refuse", "code": "x", "detailMessage": "Client IP is not in the whitelist"},
            "address",
            "IP",
        ),
        ("token", {"kind": "refuse", "code": "no", "status": 403}, "does not accept client id", "allow-list"),
        ("token", {"kind": "status", "status": 429}, "asks to come back later", "Wait"),
        ("partner_list", {"kind": "refuse", "code": "no_permission"}, "refuses this call", "have the right"),
        ("partner_list", {"kind": "status", "status": 401}, "an access token that it has just given", "support"),
        ("order_page", {"kind": "status", "status": 503}, "fails with HTTP 503", "Try again later"),
        ("order_page", {"kind": "garbage", "body": "<html>Welcome to the hotel</html>"}, "shape", "YEASTAR_BASE_URL"),
        (
            "product_list",
            {"kind": "garbage", "body": '{"code":"success","result":{"things":7}}', "content_type": "application/json"},
            "a shape that is not known here",
            "YEASTAR_BASE_URL",
        ),
    ],
)
def test_what_comes_back_is_told_in_words(
    call: str, fault: dict[str, Any], wrong: str, todo: str, adam: User, portal: PartnerPortal, sandbox: Sandbox
) -> None:
    sandbox.fault(call, times=None, **fault)
    result = try_out(portal, adam)[call]
    assert result.state == trying.BAD
    assert wrong in result.words
    assert todo in result.todo


def test_an_account_without_anybody_in_it_is_odd(adam: User, portal: PartnerPortal, sandbox: Sandbox) -> None:
    sandbox.world.partners.clear()
    result = try_out(portal, adam)["partner_list"]
    assert (result.state, result.words) == (trying.ODD, "It answers, but with no customers at all.")


def why(url: str) -> tuple[str, str]:
    store = MemoryTokenStore()
    with (
        PartnerPortal(
            base_url=url, client_id="a", client_secret="b", token_store=store, get_budget_seconds=1
        ) as portal,
        pytest.raises(NotDelivered) as caught,
    ):
        portal.renew_token()
    return advice(caught.value)


def test_a_name_that_nobody_knows() -> None:
    assert "cannot be resolved" in why("https://no-such-host.invalid")[0]


def test_a_port_that_nobody_listens_on() -> None:
    assert why(f"http://127.0.0.1:{free_port()}")[0] == "The host refuses the connection."


def test_tls_where_none_is_spoken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def answer() -> None:
            with plain.accept()[0] as connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(10_000)

        threading.Thread(target=answer, daemon=True).start()
        assert why(f"https://127.0.0.1:{plain.getsockname()[1]}")[0].startswith("TLS fails")


def test_a_certificate_that_nobody_has_signed(tmp_path: Path) -> None:
    listening = tls_server(tmp_path)
    try:
        wrong, todo = why(f"https://127.0.0.1:{listening.getsockname()[1]}")
    finally:
        listening.close()
    assert wrong.startswith("Its certificate is not trusted: self")
    assert "clock" in todo


def tls_server(folder: Path) -> socket.socket:
    """Somebody who speaks TLS with a certificate of their own making."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(folder))
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                with context.wrap_socket(listening.accept()[0], server_side=True):
                    pass
            except ssl.SSLError:
                continue
            except OSError:
                return

    threading.Thread(target=answer, daemon=True).start()
    return listening


def make_certificate(folder: Path) -> Path:
    """A certificate for this machine that nobody has signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    return path


def test_nobody_answers_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wrong, _ = why(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert wrong == "There is no answer in time."


def test_an_error_of_no_known_kind_is_told_all_the_same() -> None:
    assert advice(ApiError(call="save", detail="unexpected KeyError"))[0] == (
        "There is no usable answer. It says: unexpected KeyError"
    )


@pytest.mark.django_db(transaction=True)
def test_an_admin_presses_the_button_and_sees_how_far_it_is(
    adam: User, sign_in: Callable[[User], Client], portal: PartnerPortal, sandbox: Sandbox
) -> None:
    browser = sign_in(adam)
    sandbox.fault("token", "delay", seconds=0.4)
    assert browser.post(NOW).status_code == 302
    assert "Its progress" not in browser.get("/connection/").content.decode()
    assert browser.post(NOW).status_code == 302
    page = browser.get("/connection/").content.decode()
    assert "The connection is being tested already." in page
    assert 'hx-trigger="every 1s"' in page
    thread = next(each for each in threading.enumerate() if each.name == "connection-test")
    thread.join(20)
    piece = browser.get("/connection/test/", headers={"HX-Request": "true"}).content.decode()
    assert "All calls are answered as they should be." in piece
    assert "hx-trigger" not in piece
    assert "<html" not in piece
    assert ConnectionTest.objects.count() == 1
    assert AuditEntry.objects.filter(action="connection.tested").count() == 1


def test_a_test_whose_process_has_died_is_not_waited_for(
    adam: User, sign_in: Callable[[User], Client], portal: PartnerPortal
) -> None:
    began = timezone.now() - trying.GIVEN_UP - timedelta(seconds=1)
    ConnectionTest.objects.create(destination=current_destination(), who=adam, started_at=began)
    page = sign_in(adam).get("/connection/").content.decode()
    assert "Broken off" in page
    assert 'hx-trigger="every 1s"' not in page
    assert trying.running() is None


def test_the_calls_of_a_test_are_watched_like_all_others(adam: User, sandbox: Sandbox) -> None:
    told: list[str] = []
    with portal_for(httpx.WSGITransport(app=sandbox), observe=lambda call, *_: told.append(call)) as portal:
        try_out(portal, adam)
    assert len(told) == trying.calls()

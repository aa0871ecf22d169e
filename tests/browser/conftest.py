"""One portal and one Chromium for each worker of the test run; a fresh browser context for each test."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Request, sync_playwright

from tests.browser import chromium
from tests.browser.hands import sign_in
from tests.browser.provider import provider
from tests.browser.running import RunningPortal, Vendor

NO_FACTORS = "from allauth.mfa.models import Authenticator; Authenticator.objects.all().delete()"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failure tells what the portal's processes said, and where the browser was."""
    report = yield
    if report.failed:  # type: ignore[attr-defined]
        found = getattr(item, "funcargs", {})
        if visitors := found.get("visitor"):
            report.sections.append(("browser", visitors.story()))  # type: ignore[attr-defined]
        if site := found.get("site"):
            report.sections.append(("portal", site.logs()))  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    path = chromium.find(playwright)
    if path is None:
        pytest.skip(chromium.NONE_FOUND)
    started = chromium.launch(playwright, path)
    yield started
    started.close()


@pytest.fixture(scope="package")
def site(
    browser: Browser, migrated: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningPortal]:
    """The running portal."""
    started = RunningPortal(migrated(tmp_path_factory.mktemp("portal") / "var"))
    yield started
    started.end()


@pytest.fixture(scope="package")
def signed_in(browser: Browser, site: RunningPortal) -> Callable[[str], Any]:
    """The cookies of a person, got once through the login page."""
    known: dict[str, Any] = {}

    def state(name: str) -> Any:
        if name not in known:
            context = browser.new_context()
            page = context.new_page()
            page.goto(site.url)
            sign_in(page, name)
            known[name] = context.storage_state()
            context.close()
        return known[name]

    return state


@pytest.fixture
def vendor(site: RunningPortal) -> Iterator[Vendor]:
    """The sandbox behind the portal, without faults before and after."""
    site.vendor.heal()
    yield site.vendor
    site.vendor.heal()


@dataclass
class Visitor:
    """Opens browsers, and keeps what went wrong in them: on the console, in the policy, on the network."""

    browser: Browser
    site: RunningPortal
    signed_in: Callable[[str], Any]
    contexts: list[BrowserContext] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def context(self, name: str | None = "staff", **options: Any) -> BrowserContext:
        """A fresh browser of somebody; None has not signed in."""
        settled = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        state = self.signed_in(name) if name else None
        context = self.browser.new_context(storage_state=state, **settled | options)
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        context.on("console", lambda message: self._heard(message.type, message.text))
        context.on("weberror", lambda error: self.troubles.append(f"page error: {error.error}"))
        context.on("requestfailed", self._failed)
        context.on("request", lambda request: self.requests.append(request))
        context.on("response", lambda answer: self._answered(answer.status, answer.url))
        return context

    def page(self, name: str | None = "staff", **options: Any) -> Page:
        return self.context(name, **options).new_page()

    def expect_trouble(self, pattern: str) -> None:
        """From here on a trouble that matches is part of the test."""
        self.expected.append(pattern)

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.troubles.append(f"console {kind}: {text}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # that is the browser leaving a page
            self.troubles.append(f"request failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.troubles.append(f"answer {status}: {url}")

    @property
    def unexpected(self) -> list[str]:
        return [each for each in self.troubles if not any(re.search(pattern, each) for pattern in self.expected)]

    def story(self) -> str:
        pages = [page for context in self.contexts for page in context.pages]
        last = [f"{request.method} {request.url}" for request in self.requests[-12:]]
        return "\n".join([*(f"page at {page.url}" for page in pages), *last, *self.troubles])

    def leave(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def visitor(
    browser: Browser, site: RunningPortal, vendor: Vendor, signed_in: Callable[[str], Any]
) -> Iterator[Visitor]:
    """Opens browsers; the test fails if one of them had an error that the test did not expect."""
    opened = Visitor(browser, site, signed_in)
    yield opened
    opened.leave()
    assert opened.unexpected == []


@pytest.fixture
def page(visitor: Visitor) -> Page:
    """A page of a signed-in member of staff."""
    return visitor.page()


@pytest.fixture
def po_number() -> str:
    """By this one order is found in the ledger."""
    return f"PO-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="package")
def guarded(
    browser: Browser,
    site: RunningPortal,
    migrated: Callable[[Path], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningPortal]:
    """A portal that requires a second factor, under a name that passkeys can be made for. Client id and secret of the
    sandbox that it shares are not set.
    """
    with provider() as issuer:
        sso = {"OIDC_SERVER_URL": issuer, "OIDC_CLIENT_ID": "portal", "OIDC_NAME": "Company ID"}
        vendor = {"YEASTAR_BASE_URL": site.vendor.address, "SANDBOX": "true"}
        room = migrated(tmp_path_factory.mktemp("guarded") / "var")
        started = RunningPortal(room, REQUIRE_MFA="true", **sso, **vendor)
        started.url = started.url.replace("127.0.0.1", "localhost")
        yield started
        started.end()


@pytest.fixture
def guest(browser: Browser, guarded: RunningPortal) -> Iterator[Visitor]:
    guarded.shell(NO_FACTORS)
    visitor = Visitor(browser, guarded, lambda _: None)
    yield visitor
    visitor.leave()
    assert visitor.unexpected == []

"""An admin asks somebody in, limits and lets go of them, in a real browser and by the keyboard alone.

Each walk goes on as `flaws` leaves the page: narrow and dark.
"""

from __future__ import annotations

import re
import uuid

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.hands import Keys
from tests.browser.looks import flaws

PASSWORD = "quince-marmalade-42"

SOME = """
from datetime import timedelta
from django.contrib.auth.models import Group, User
from django.utils import timezone
from orders.models import Limits, Partner
now = timezone.now()
for number, (name, full, role, days, active) in enumerate([
    ("katarina.brandl", "Katarína Brandl", "admin", 0.02, True),
    ("j.okafor", "Jude Okafor", "manager", 0.3, True),
    ("sofia.lind", "Sofia Lind", "staff", 1.2, True),
    ("tomasz.wieczorek-nowakowski", "Tomasz Wieczorek-Nowakowski", "staff", 5, True),
    ("m.duval", "Margaux Duval", "staff", 93, False),
    ("ines", "", "staff", None, True),
]):
    user, _ = User.objects.get_or_create(username=name, email=f"{name}@reseller.example")
    user.first_name, user.is_active = full, active
    user.last_login = now - timedelta(days=days) if days else None
    user.save()
    user.groups.set([Group.objects.get(name=role)])
    if name in ("sofia.lind", "ines"):
        limits, _ = Limits.objects.get_or_create(person=user, defaults={"limited": True, "own_account": name == "ines"})
        limits.partners.set(Partner.objects.all()[:4] if name == "sofia.lind" else [])
"""


def invite(visitor: Visitor, email: str, *, limited: bool = False) -> tuple[Page, Keys, str]:
    """The page of a new invitation, and its link: this portal sends no mail."""
    page = visitor.page("admin")
    keys = Keys(page, visitor.site.url)
    keys.open("/people/")
    keys.press("a[href='/people/invite/']")
    expect(page).to_have_url(re.compile(r"/people/invite/$"))
    keys.write("email", email)
    keys.write("name", "Zoë Hallström")
    keys.radio("role", "staff")
    if limited:
        keys.tab_to("[name=limited]")
        page.keyboard.press("Space")
    keys.press("main form .primary")
    expect(page.locator("#link")).to_be_visible()
    return page, keys, page.locator("#link").inner_text()


def test_somebody_is_asked_in_and_gets_to_a_first_order_by_the_keyboard(visitor: Visitor) -> None:
    name = f"zoe{uuid.uuid4().hex[:6]}"
    page, keys, link = invite(visitor, f"{name}@example.com", limited=True)
    assert flaws(page) == []
    keys.press("dd a[href$='/limits/']")
    expect(page.locator("[name=limited][value=yes]")).to_be_checked()
    keys.write("q", "Pivovar")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=Pivovar"))
    keys.tab_to("[name=partner]")
    page.keyboard.press("Space")
    keys.press("button[value=add]")
    expect(page.get_by_role("button", name="Take out the ticked")).to_be_visible()
    expect(page.get_by_text("Added to the list.")).to_be_visible()

    guest = visitor.page(None)
    hers = Keys(guest, visitor.site.url)
    guest.goto(link)
    assert flaws(guest) == []
    guest.reload()  # what reads mail ahead of people opens it, too
    expect(guest.locator("#id_username")).to_be_focused()
    guest.keyboard.type(name)
    hers.write("password1", PASSWORD)
    hers.write("password2", PASSWORD)
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("heading", name="What would you like to order?")).to_be_visible()
    assert flaws(guest) == []
    hers.start("turnkey-capacity")
    expect(guest.locator("#id_partner_id option")).to_have_count(1)
    expect(guest.locator("#id_partner_id option")).to_contain_text("Pivovar")
    assert flaws(guest) == []
    hers.tab_to("#id_partner_id")
    guest.keyboard.press("Home")
    hers.go_on("plan")

    visitor.expect_trouble(r"404.*/invitation/|status of 404")
    late = visitor.page(None)
    late.goto(link)
    expect(late.get_by_role("heading", name="This link does not work")).to_be_visible()
    assert flaws(late) == []


def test_for_whom_somebody_may_order_is_narrowed_by_the_keyboard(visitor: Visitor) -> None:
    visitor.site.shell(SOME)
    page = visitor.page("admin", viewport={"width": 360, "height": 740}, color_scheme="dark")
    keys = Keys(page, visitor.site.url)
    keys.open("/people/?q=j.okafor")
    keys.press(".people tbody th a")
    expect(page.get_by_role("heading", name="Jude Okafor")).to_be_visible()
    keys.press("dd a[href$='/limits/']")
    expect(page.get_by_role("heading", name="For whom j.okafor may order")).to_be_visible()
    keys.radio("limited", "yes")
    keys.tab_to("[name=any_pbx]")
    page.keyboard.press("Space")
    keys.press("button[value=save]")
    expect(page.get_by_text("Saved.")).to_be_visible()
    keys.write("q", "Kiwi")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=Kiwi"))
    keys.tab_to("[name=partner]")
    page.keyboard.press("Space")
    keys.press("button[value=add]")
    expect(page.get_by_text("Added to the list.")).to_be_visible()
    assert flaws(page) == []
    keys.press(".button.quiet[href^='/people/']")
    expect(page.locator(".facts").last).to_contain_text("1 customer, every PBX")


def test_somebody_is_let_go_and_is_out_at_once(visitor: Visitor) -> None:
    name = f"yan{uuid.uuid4().hex[:6]}"
    _, _, link = invite(visitor, f"{name}@example.com")
    guest = visitor.page(None)
    guest.goto(link)
    for field, text in {"username": name, "password1": PASSWORD, "password2": PASSWORD}.items():
        guest.fill(f"[name={field}]", text)
    guest.keyboard.press("Enter")
    expect(guest.get_by_role("heading", name="What would you like to order?")).to_be_visible()

    page = visitor.page("admin")
    keys = Keys(page, visitor.site.url)
    keys.open(f"/people/?q={name}")
    keys.press(".people tbody th a")
    expect(page.get_by_role("heading", name="Zoë Hallström")).to_be_visible()
    assert flaws(page) == []
    keys.press("a[href$='/deactivate/']")
    expect(page.get_by_role("heading", name=f"Deactivate {name}?")).to_be_visible()
    assert flaws(page) == []
    keys.press("main form .primary")
    expect(page.get_by_text("is deactivated and signed out everywhere")).to_be_visible()
    guest.goto(f"{visitor.site.url}/orders/")
    expect(guest).to_have_url(re.compile("/accounts/login/"))
    keys.press("form[action$='/reactivate/'] button")
    expect(page.get_by_text(f"{name} may sign in again.")).to_be_visible()


def test_the_pages_about_people_look_right(visitor: Visitor) -> None:
    visitor.site.shell(SOME)
    page = visitor.page("admin")
    for path in ("/people/", "/people/?role=staff&sort=-seen", "/people/?q=nobody-at-all", "/people/invite/"):
        page.goto(visitor.site.url + path)
        assert flaws(page) == [], path
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{visitor.site.url}/people/?q=sofia.lind")
    page.locator(".people tbody th a").click()
    here = page.url
    for path in ("", "details/", "role/", "limits/", "limits/?q=a", "second-factor/"):
        page.goto(here + path)
        assert flaws(page) == [], path


def test_without_scripts_it_is_the_same(visitor: Visitor) -> None:
    visitor.site.shell(SOME)
    page = visitor.page("admin", java_script_enabled=False)
    page.goto(f"{visitor.site.url}/people/")
    page.select_option("#id_role", "manager")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="j.okafor")).to_be_visible()
    expect(page.get_by_role("link", name="ines")).to_have_count(0)
    page.get_by_role("link", name="j.okafor").click()
    page.get_by_role("link", name="Change the role").click()
    page.get_by_label("Staff").check()
    page.get_by_role("button", name="Change the role").click()
    expect(page.get_by_text("is Staff now")).to_be_visible()

"""Admins: who may do what here. The list, a person's page, and what can be done with somebody."""

from __future__ import annotations

from uuid import UUID

from allauth.account.forms import ResetPasswordForm
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders import auditing
from orders.audit_trail.acts import title
from orders.lifecycle import MOVING, Status
from orders.models import SEE_AUDIT, AuditEntry, Order
from orders.rendering import HtmxHttpRequest, page
from orders.text import counted
from portal import mailing
from portal.models import Invitation
from portal.people import keeping, listing
from portal.people.forms import DetailsForm, FactorsForm, RoleForm
from portal.people.keeping import Refused
from portal.roles import ROLE_WORDS, ROLES

CHANGE_PEOPLE = "auth.change_user"

LATEST = 10
"""So many of a person's orders stand on their page."""

admins_only = permission_required(CHANGE_PEOPLE, raise_exception=True)


def somebody(pk: int) -> User:
    """A person; nobody else exists."""
    return get_object_or_404(User.objects.select_related("limits").prefetch_related("groups"), pk=pk)


@require_safe
@admins_only
def people_page(request: HtmxHttpRequest) -> HttpResponse:
    """Everybody who has a login here, and who is invited."""
    asked = listing.Asked.read(request.GET)
    shown, lines = listing.shown(asked, request.GET.get("page"))
    context = {
        "asked": asked,
        "lines": lines,
        "page": shown,
        "previous_url": asked.url(shown.number - 1) if shown.has_previous() else "",
        "next_url": asked.url(shown.number + 1) if shown.has_next() else "",
        "roles": [(role, ROLE_WORDS[role][0]) for role in ROLES],
        "states": listing.STATES.items(),
        "factors": listing.SECOND_FACTORS.items(),
        "invitations": listing.invited(asked),
    }
    return page(request, "people/list.html", "people/_list.html", context)


@require_safe
@admins_only
def person_page(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """All that is known of somebody, and what can be done."""
    person = somebody(pk)
    role = keeping.role_of(person)
    placed = Order.objects.filter(owner=person).placed()
    context = {
        "person": person,
        "role": ROLE_WORDS.get(role, ("None", "May sign in, and do nothing.")),
        "limits": listing.limits_in_words(person),
        "is_me": person.pk == request.user.pk,
        "has_mfa": listing.has_mfa(person),
        "can_mail": settings.CAN_MAIL,
        "orders": placed[:LATEST],
        "orders_count": placed.count(),
        "drafts": Order.objects.filter(owner=person).drafts(),
        "entries": _entries(person) if request.user.has_perm(SEE_AUDIT) else [],
        "invitation": Invitation.objects.filter(used_by=person).select_related("invited_by").first(),
    }
    return page(request, "people/person.html", "people/person.html", context)


def _entries(person: User) -> list[tuple[AuditEntry, str]]:
    """The latest of what they did and of what was done with them: each is one range of an index of the log."""
    did = AuditEntry.objects.filter(actor=person).order_by("-at", "-id")[:LATEST]
    befell = AuditEntry.objects.filter(target_type="user", target_id=str(person.pk)).order_by("-at", "-id")[:LATEST]
    latest = sorted({entry.pk: entry for entry in (*did, *befell)}.values(), key=lambda each: (each.at, each.pk))
    return [(entry, title(entry.action)) for entry in reversed(latest[-LATEST:])]


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def role_page(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Give another role; the page says what each may do."""
    person = somebody(pk)
    before = keeping.role_of(person)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": before})
    if form.is_valid():
        try:
            keeping.give_role(person, form.cleaned_data["role"], actor=request.user)
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{person} is {ROLE_WORDS[form.cleaned_data['role']][0]} now.")
            return redirect("people:person", pk)
    context = {"person": person, "form": form, "role_words": ROLE_WORDS}
    return page(request, "people/role.html", "people/role.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def details_page(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Another name or address."""
    person = somebody(pk)
    initial = {"email": person.email, "name": person.get_full_name()}
    form = DetailsForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        try:
            keeping.change_details(person, **form.cleaned_data, actor=request.user)
        except Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Saved.")
            return redirect("people:person", pk)
    context = {"person": person, "form": form}
    return page(request, "people/details.html", "people/details.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def deactivate(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """The way out: first a page that says what ends and what stays, then it is done."""
    person = somebody(pk)
    if not person.is_active:
        messages.info(request, f"{person} is deactivated already.")
        return redirect("people:person", pk)
    refused = ""
    if request.method == "POST":
        try:
            keeping.deactivate(person, actor=request.user)
        except Refused as error:
            refused = str(error)
        else:
            messages.success(request, f"{person} is deactivated and signed out everywhere.")
            return redirect("people:person", pk)
    orders = Order.objects.filter(owner=person)
    counts = dict(orders.order_by().values_list("status").annotate(Count("pk")))
    context = {
        "person": person,
        "refused": refused,
        "drafts": orders.drafts().count(),
        "moving": sum(counts.get(status, 0) for status in MOVING),
        "uncertain": counts.get(Status.UNCERTAIN, 0),
        "invitations": Invitation.objects.pending().filter(invited_by=person).count(),
    }
    return page(request, "people/deactivate.html", "people/deactivate.html", context, status=422 if refused else 200)


@require_POST
@admins_only
def reactivate(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Let somebody in again."""
    person = somebody(pk)
    try:
        keeping.reactivate(person, actor=request.user)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{person} may sign in again.")
    return redirect("people:person", pk)


@require_POST
@admins_only
def sign_out(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """End all their sessions."""
    person = somebody(pk)
    try:
        count = keeping.sign_out(person, actor=request.user)
    except Refused as error:
        messages.error(request, str(error))
    else:
        words = f"{person} is signed out everywhere: {counted(count, 'session')} ended."
        messages.success(request, words)
    return redirect("people:person", pk)


@require_POST
@admins_only
def send_reset(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Mail somebody the link by which they choose a new password. Nobody else sees it."""
    person = somebody(pk)
    form = ResetPasswordForm({"email": person.email})
    if settings.OIDC_ONLY:
        messages.error(request, "Nobody signs in with a password here.")
    elif not settings.CAN_MAIL:
        messages.error(request, "This portal sends no e-mail. An operator gives a new password by the command line.")
    elif not person.is_active:
        messages.error(request, f"{person} is deactivated. Let them in again first.")
    elif not form.is_valid():
        messages.error(request, f"{person} has no e-mail address that a link could be sent to.")
    else:
        try:
            form.save(request)
        except ImmediateHttpResponse:  # the page for whoever asks for a link themselves
            messages.error(request, "The link could not be sent: the mail server did not take it. Try again later.")
        else:
            auditing.note("password.link_sent", target=person, words=f"By e-mail to {person.email}.")
            messages.success(request, f"A link to choose a new password is on its way to {person.email}.")
    return redirect("people:person", pk)


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def reset_factors(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """For somebody who lost their second factor. It needs a reason, and they are told."""
    person = somebody(pk)
    form = FactorsForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            count = keeping.reset_factors(person, reason=form.cleaned_data["reason"], actor=request.user)
        except Refused as error:
            form.add_error(None, str(error))
        else:
            words = f"{counted(count, 'way')} of proof removed. {person} is signed out everywhere."
            messages.success(request, f"{words} {_tell_of_reset(person)}")
            return redirect("people:person", pk)
    context = {"person": person, "form": form}
    return page(request, "people/factors.html", "people/factors.html", context, status=422 if form.errors else 200)


def _tell_of_reset(person: User) -> str:
    text = render_to_string("people/factors_reset.txt", {"person": person}).strip()
    try:
        mailing.deliver(mailing.compose(person.email, "Your second factor was removed", text))
    except mailing.NotSent:
        return "They could not be told by e-mail: tell them yourself."
    return "They are told by e-mail."


@require_POST
@admins_only
def take_over(request: HtmxHttpRequest, pk: int, order: UUID) -> HttpResponse:
    """Make a draft one's own, of somebody who cannot go on with it."""
    person = get_object_or_404(User, pk=pk, is_active=False)
    draft = get_object_or_404(Order.objects.filter(owner=person).drafts(), pk=order)
    try:
        keeping.take_over(draft, actor=request.user)
    except Refused as error:
        messages.error(request, str(error))
        return redirect("people:person", pk)
    messages.success(request, "The draft is yours now. Nothing is ordered until you place it.")
    return redirect(draft)

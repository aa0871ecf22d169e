"""Admins: for whom somebody may order. The same page for a person and for an invitation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from orders import auditing
from orders.allowing import barred
from orders.models import Limited, Limits, Order, Partner
from orders.rendering import HtmxHttpRequest, page
from orders.text import counted, storable
from portal.models import Invitation
from portal.people.forms import LimitsForm
from portal.people.inviting import GONE
from portal.people.keeping import Refused, in_line
from portal.people.views.keeping import admins_only

FOUND, LISTED, AT_ONCE = 50, 500, 500
"""So many customers are found at a time, so many of the chosen ones are shown, so many are added by one click."""

NAMED = 5
"""So many customers the words of the audit log name; its data has them all."""

FLAGS = {
    "limited": ("everybody may be ordered for", "some customers only"),
    "own_account": ("not our own account", "our own account, too"),
    "any_pbx": ("no PBXs", "PBXs, too"),
}
"""What is off, and on, in words."""


@require_http_methods(["GET", "HEAD", "POST"])
@admins_only
def person_limits(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """The limits of a person."""
    person = get_object_or_404(User, pk=pk)
    limits, _ = Limits.objects.get_or_create(person=person) if request.method == "POST" else (_of(person), False)
    response = _limits(request, limits, str(person), reverse("people:limits", args=[pk]), "people:person", pk)
    if request.method == "POST" and response.status_code == 302:
        _tell_of_drafts(request, person)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required("auth.add_user", raise_exception=True)
def invitation_limits(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """The limits that come with an invitation. Once it was used they are those of the person."""
    invitation = get_object_or_404(Invitation, pk=pk)
    if invitation.used_by_id:
        return redirect("people:limits", invitation.used_by_id)
    here = reverse("people:invitation_limits", args=[pk])
    return _limits(request, invitation, invitation.email, here, "people:invitation", pk)


def _of(person: User) -> Limits:
    """As they are kept, or as they would be; a page that is only looked at writes nothing."""
    return Limits.objects.filter(person=person).first() or Limits(person=person)


def _limits(request: HtmxHttpRequest, holder: Limited, who: str, here: str, back: str, back_pk: int) -> HttpResponse:
    query = str(storable((request.POST or request.GET).get("q", "")))[:200]
    initial = {name: getattr(holder, name) for name in ("own_account", "any_pbx")}
    form = LimitsForm(initial=initial | {"limited": "yes" if holder.limited else "no"})
    status = 200
    if request.method == "POST":
        form = LimitsForm(request.POST)
        try:
            if done := _change(request, holder, form):
                messages.success(request, done)
                return redirect(f"{here}?{urlencode({'q': query})}" if query else here)
        except Refused as error:
            form.add_error(None, str(error))
        status = 422
    chosen = holder.partners.all()
    found = Partner.objects.on_offer().matching(query).exclude(pk__in=chosen.values("pk"))
    context = {
        "who": who,
        "form": form,
        "q": query,
        "chosen": chosen[:LISTED],
        "chosen_count": chosen.count(),
        "found": found.defer("raw", "search")[:FOUND],
        "found_count": found.count(),
        "back": reverse(back, args=[back_pk]),
    }
    return page(request, "people/limits.html", "people/limits.html", context, status=status)


def _change(request: HtmxHttpRequest, holder: Limited, form: LimitsForm) -> str:
    """Do what was asked; what was done, in words, or nothing if the form is not valid. Raises Refused."""
    named = [int(each) for each in request.POST.getlist("partner")[:AT_ONCE] if each.isdecimal() and len(each) < 19]
    wanted = request.POST.get("do", "")
    with in_line(request.user):
        holder.refresh_from_db()
        if isinstance(holder, Invitation) and not holder.pending:
            raise Refused(GONE)
        before = _told(holder)
        if wanted == "add":
            done = _add(holder, named)
        elif wanted == "remove":
            holder.partners.remove(*holder.partners.filter(pk__in=named))
            done = "Taken out of the list."
        elif form.is_valid():
            done = _set(holder, form)
        else:
            return ""
        target, told = holder.person if isinstance(holder, Limits) else holder, _differences(before, _told(holder))
        auditing.note("limits.changed", actor=request.user, target=target, words=_said(told), data=told)
        return done


def _set(holder: Limited, form: LimitsForm) -> str:
    """Whether there is a limit, and what it leaves besides customers."""
    # The rest is remembered while there is no limit; a page with scripts does not even send it then.
    names = list(form.cleaned_data) if form.cleaned_data["limited"] else ["limited"]
    for name in names:
        setattr(holder, name, form.cleaned_data[name])
    holder.save(update_fields=names)
    return "Saved."


Told = tuple[dict[str, bool], set[str]]
"""Limits as they were: the flags, and the customers by name and id."""


def _told(holder: Limited) -> Told:
    customers = {f"{partner} ({partner.remote_id})" for partner in holder.partners.defer("raw", "search")}
    return {name: getattr(holder, name) for name in ("limited", "own_account", "any_pbx")}, customers


def _differences(before: Told, after: Told) -> dict[str, Any]:
    """For the audit log. A list of thousands is not written down twice for each change."""
    told = auditing.changes(before[0], after[0])
    lists = {"customers_added": after[1] - before[1], "customers_removed": before[1] - after[1]}
    return told | {name: sorted(customers) for name, customers in lists.items() if customers}


def _said(told: dict[str, Any]) -> str:
    """The differences in words. Of many customers the first are named."""
    words = [FLAGS[name][bool(told[name]["after"])] for name in FLAGS if name in told]
    for name, verb in (("customers_added", "added"), ("customers_removed", "taken out")):
        if customers := told.get(name, []):
            more = f" and {len(customers) - NAMED:,} more" if len(customers) > NAMED else ""
            words.append(f"{verb}: {', '.join(customers[:NAMED])}{more}")
    text = "; ".join(words) or "saved without a change"
    return f"{text[0].upper()}{text[1:]}."


def _add(holder: Limited, named: Sequence[int]) -> str:
    """Customers join the list; who is limited to some is so from the first one on."""
    holder.partners.add(*Partner.objects.on_offer().filter(pk__in=named).values_list("pk", flat=True))
    if holder.limited:
        return "Added to the list."
    return "Added to the list. It counts once “Some only” is chosen and saved."


def _tell_of_drafts(request: HtmxHttpRequest, person: User) -> None:
    closed = barred(person.pk, Order.objects.filter(owner=person).drafts()[:200])
    if closed:
        count = counted(len(closed), "draft")
        messages.warning(
            request, f"{person} has {count} for somebody who is not open to them now, and is told so there."
        )

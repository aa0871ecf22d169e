"""Create and change a customer at the vendor's: asked once, and what became of it is known or said to be not known.

Neither call may be repeated by a machine: it is not known whether the vendor would do it twice. So a row is committed
before the call begins, under an id that stands in the form: a second click finds it taken. If the answer is lost, the
customer is looked up by email before anything is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders import auditing
from orders.accounts import syncing
from orders.destination import current_destination
from orders.diagnosis import advice
from orders.models import Listed, Partner, PartnerChange
from orders.text import plain, storable
from yeastar_api.client import PartnerPortal
from yeastar_api.errors import ApiError, NotDelivered, Refused, Unanswered
from yeastar_api.messages import WIRE_NAMES, UserRequest
from yeastar_api.messages import Partner as RemotePartner

State = PartnerChange.State

SETTLED = (State.DONE, State.FOUND)
OPEN = (State.ASKED, State.NOT_FOUND, State.UNKNOWN)
"""What may yet turn out to have been done: a person can have it looked up again."""

LOOK_AGAIN = "Look again in a minute before you try anew: it may still be on its way."

OURS = {theirs: ours for ours, theirs in WIRE_NAMES.items()}

RULES = {
    "required": "Yeastar wants this to be filled in.",
    "required_without": "Yeastar wants a first or a last name.",
    "email": "Yeastar takes this for no email address.",
    "oneof": "Yeastar does not know this. Choose another one.",
    "max": "This is too long for Yeastar.",
    "min": "This is too short for Yeastar.",
}
"""A validation tag of theirs, as a person reads it."""


@dataclass(frozen=True)
class Result:
    """What became of it."""

    change: PartnerChange
    errors: dict[str, str] = field(default_factory=dict)  # by our names of fields; "" for the whole
    twice: bool = False  # the form had been sent before

    @property
    def done(self) -> bool:
        """Whether the vendor has it."""
        return self.change.state in SETTLED


def create(
    portal: PartnerPortal, values: Mapping[str, str], *, change_id: UUID, who: User, activation: bool = False
) -> Result:
    """Create a customer of these values, by our names, email and country among them."""
    others = {name: value for name, value in values.items() if name != "email" and value}
    return _ask(portal, UserRequest(values["email"], others, activation=activation), change_id, who, partner=None)


def edit(portal: PartnerPortal, partner: Partner, values: Mapping[str, str], *, change_id: UUID, who: User) -> Result:
    """Change these values of a customer; what is not named stays as it is."""
    return _ask(portal, UserRequest(partner.email, dict(values)), change_id, who, partner=partner)


def _ask(portal: PartnerPortal, user: UserRequest, change_id: UUID, who: User, *, partner: Partner | None) -> Result:
    asked = {"email": user.email, **user.values, "activation": user.activation}
    change = PartnerChange(
        id=change_id,
        destination=current_destination(),
        partner=partner,
        email=user.email[:254],
        asked=storable(asked),
        who=who,
        at=timezone.now(),
    )
    try:
        with transaction.atomic():
            change.save(force_insert=True)
    except IntegrityError:
        return Result(PartnerChange.objects.get(pk=change_id, who=who), twice=True)
    try:
        (portal.edit_user if partner else portal.save_user)(user)
    except NotDelivered as error:
        wrong, todo = advice(error)
        words = f"Nothing reached Yeastar, so nothing was {_verb(change)}. {wrong} {todo}"
        return Result(_end(change, State.NOT_DELIVERED, words), {"": words})
    except Refused as error:
        errors = refusals(error)
        _end(change, State.REFUSED, "; ".join(errors.values()))
        return Result(change, errors)
    except Unanswered as error:
        look(portal, change, lost=error)
        return Result(change)
    except Exception:
        # Whatever it was, the call may have been made; the row says so until somebody has it looked up.
        _end(change, State.UNKNOWN, f"Our own program failed while Yeastar was asked. {LOOK_AGAIN}")
        raise
    _end(change, State.DONE, f"Yeastar has {_verb(change)} {change.email}.")
    _read_again(portal, change)
    return Result(change)


def look(portal: PartnerPortal, change: PartnerChange, *, lost: ApiError | None = None) -> None:
    """Look up by email what became of a change whose answer was lost."""
    why = f"The answer was lost: {plain(lost.detail or lost.code)}. " if lost else ""
    try:
        found = portal.subordinate_user(change.email)
    except ApiError as error:
        words = f"{why}{change.email} could not be looked up either: {advice(error)[0]} {LOOK_AGAIN}"
        _end(change, State.UNKNOWN, words)
        return
    if found is not None and _is_it(found, change):
        _end(change, State.FOUND, f"{why}Yeastar has {change.email} as you wanted it: it was {_verb(change)}.")
        _read_again(portal, change)
    elif change.partner_id:
        state = "as it was before" if found else "no longer"
        words = f"{why}As far as can be seen it was not changed: Yeastar has it {state}. {LOOK_AGAIN}"
        _end(change, State.NOT_FOUND, words)
    else:
        there = "somebody else with this address" if found else "nobody with this address"
        words = f"{why}As far as can be seen it was not created: Yeastar knows {there}. {LOOK_AGAIN}"
        _end(change, State.NOT_FOUND, words)


def _is_it(found: RemotePartner, change: PartnerChange) -> bool:
    """Whether the vendor has what was asked for, as far as it tells it."""
    if found.email.casefold() != change.email.casefold():
        return False
    if change.partner_id is None and not _known_before(change):
        return True  # however the vendor may have spelt the rest
    told = {ours: found.raw.get(theirs) for ours, theirs in WIRE_NAMES.items()}
    asked = {name: value for name, value in change.asked.items() if name in WIRE_NAMES and name != "email"}
    return all(_same(told.get(name), value) for name, value in asked.items())


def _known_before(change: PartnerChange) -> bool:
    return Partner.objects.filter(email__iexact=change.email, first_seen_at__lt=change.at).exists()


def _same(told: Any, asked: str) -> bool:
    return told is None or str(told).strip().casefold() == asked.strip().casefold()


def refusals(error: Refused) -> dict[str, str]:
    """A refusal, put to the fields that it is about; what fits none, to the whole."""
    if "already_exist" in error.code:
        return {"email": "Yeastar knows somebody with this address already."}
    found: dict[str, str] = {}
    for each in error.fields if isinstance(error.fields, list) else [error.fields]:
        if isinstance(each, dict) and (name := OURS.get(str(each.get("field") or ""))):
            found[name] = RULES.get(str(each.get("tag") or ""), _said(error))
    return found or {"": _said(error)}


def _said(error: Refused) -> str:
    request = f" (request id {error.request_id})" if error.request_id else ""
    return f"Yeastar refuses it: {plain(error.detail or error.code)}{request}"


def _verb(change: PartnerChange) -> str:
    return "changed" if change.partner_id else "created"


def _end(change: PartnerChange, state: State, words: str) -> PartnerChange:
    with transaction.atomic():
        change.state, change.words, change.finished_at = state, words, timezone.now()
        change.save(update_fields=["state", "words", "finished_at"])
        auditing.note(
            "partner.edited" if change.partner_id else "partner.created",
            target=change.partner or change.email,
            words=f"{State(state).label}. {words}",
            data={"asked": change.asked},
        )
    return change


def _read_again(portal: PartnerPortal, change: PartnerChange) -> None:
    """Mirror the list, so that what is shown is what the vendor has."""
    syncing.sync(portal, Listed.PARTNERS, why=f"After {change.email} was {_verb(change)}", who=change.who)
    if change.partner_id is None:
        found = Partner.objects.filter(email__iexact=change.email, gone_at=None).first()
        change.partner = found if isinstance(found, Partner) else None
        change.save(update_fields=["partner"])

"""Create and change a customer at the vendor's: asked once, and what became of it is known or said to be not known.

Neither call may be repeated by a machine: it is not known whether the vendor would do it twice. So a row is committed
before the call begins, under an id that stands in the form: a second click finds it taken. If the answer is lost, the
customer is looked up by email before anything is said. Changes go by email, too: whose it is is looked up first.
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
from orders.destination import CHANGED, destination_of
from orders.diagnosis import advice
from orders.labels import label_of_ours
from orders.models import Listed, MirroredQuerySet, Partner, PartnerChange
from orders.text import one_line, plain, storable
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
    errors: Mapping[str, str] = field(default_factory=dict)  # by our names of fields; "" for the whole
    here: Mapping[str, str] = field(default_factory=dict)  # what the vendor has where somebody saw something else
    twice: bool = False  # the form had been sent before

    @property
    def done(self) -> bool:
        """Whether the vendor has it."""
        return self.change.state in SETTLED


class NotAsked(Exception):
    """Nothing was asked to be changed. Why not stands by our names of fields, and what the vendor has there."""

    def __init__(self, errors: Mapping[str, str], here: Mapping[str, str] | None = None) -> None:
        super().__init__(
            " ".join(f"{label_of_ours(name)}: {words}" if name else words for name, words in errors.items())
        )
        self.errors, self.here = errors, here or {}


def told(raw: Mapping[str, Any]) -> dict[str, str]:
    """What the vendor tells of a customer, by our names, each in one line. What it does not tell is not named."""
    return {ours: one_line(str(raw[name] or "")) for ours, name in WIRE_NAMES.items() if name in raw}


def create(
    portal: PartnerPortal, values: Mapping[str, str], *, change_id: UUID, who: User, activation: bool = False
) -> Result:
    """Create a customer of these values, by our names, email and country among them."""
    others = {name: value for name, value in values.items() if name != "email" and value}
    return _ask(portal, UserRequest(values["email"], others, activation=activation), change_id, who, partner=None)


def edit(
    portal: PartnerPortal,
    partner: Partner,
    values: Mapping[str, str],
    *,
    seen: Mapping[str, str],
    change_id: UUID,
    who: User,
) -> Result:
    """Change these values of a customer, of whom somebody saw `seen`; what is not named stays as it is."""
    user = UserRequest(partner.email, dict(values))
    return _ask(portal, user, change_id, who, partner=partner, seen=seen)


def _ask(
    portal: PartnerPortal,
    user: UserRequest,
    change_id: UUID,
    who: User,
    *,
    partner: Partner | None,
    seen: Mapping[str, str] | None = None,
) -> Result:
    asked = {"email": user.email, **user.values, "activation": user.activation}
    change = PartnerChange(
        id=change_id,
        destination=destination_of(portal),
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
        if partner:
            _look_before(portal, partner, user.values, seen or {})
        (portal.edit_user if partner else portal.save_user)(user)
    except NotAsked as error:
        return Result(_end(change, State.NOT_DELIVERED, str(error)), error.errors, error.here)
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


def _look_before(portal: PartnerPortal, partner: Partner, values: Mapping[str, str], seen: Mapping[str, str]) -> None:
    """The address is still this customer's, and what is to be changed still what was seen. Raises NotAsked."""
    if partner.destination != destination_of(portal):
        raise NotAsked({"": f"{CHANGED} Nothing was changed."})
    try:
        found = portal.subordinate_user(partner.email)
    except ApiError as error:
        wrong, todo = advice(error)
        first = "Nothing was changed: first Yeastar is asked whose this address is, and that failed."
        raise NotAsked({"": f"{first} {wrong} {todo}"}) from error
    if found is None or _is_another(found, partner):
        whose = f"the customer with the id {found.partner_id}" if found else "nobody"
        behind = "Sync the list of customers, and look again."
        raise NotAsked({"": f"Nothing was changed: at Yeastar {partner.email} is the address of {whose}. {behind}"})
    now = told(found.raw)
    here = {name: now[name] for name, value in values.items() if now.get(name, value) not in (seen.get(name), value)}
    if here:
        words = "Nothing was changed: meanwhile Yeastar has {} here. Send the form again if yours is to count."
        raise NotAsked({name: words.format(f"“{value}”" if value else "nothing") for name, value in here.items()}, here)


def _is_another(found: RemotePartner, partner: Partner) -> bool:
    """An answer without an id tells nothing about that."""
    return bool(found.partner_id) and found.partner_id != partner.remote_id


def look(portal: PartnerPortal, change: PartnerChange, *, lost: ApiError | None = None) -> None:
    """Look up by email what became of a change whose answer was lost; of another account nothing is asked."""
    if change.destination != destination_of(portal):
        return
    why = f"The answer was lost: {plain(lost.detail or lost.code)}. " if lost else ""
    try:
        found = portal.subordinate_user(change.email)
    except ApiError as error:
        words = f"{why}{change.email} could not be looked up either: {advice(error)[0]} {LOOK_AGAIN}"
        _end(change, State.UNKNOWN, words)
        return
    state, words = _judged(found, change)
    _end(change, state, f"{why}{words}")
    if state == State.FOUND:
        _read_again(portal, change)


def _judged(found: RemotePartner | None, change: PartnerChange) -> tuple[State, str]:
    """What became of a change, by whom the vendor has under its address, as far as it tells."""
    not_done = f"As far as can be seen it was not {_verb(change)}: Yeastar"
    if found is None or found.email.casefold() != change.email.casefold():
        whom = "has it no longer" if change.partner else "knows nobody with this address"
        return State.NOT_FOUND, f"{not_done} {whom}. {LOOK_AGAIN}"
    if _is_another(found, change.partner) if change.partner else _known_before(change):
        return State.NOT_FOUND, f"{not_done} knows somebody else with this address. {LOOK_AGAIN}"
    asked = {name: one_line(value) for name, value in change.asked.items() if name in WIRE_NAMES and name != "email"}
    here = told(found.raw)
    other = [f"{label_of_ours(name)} “{here[name]}”" for name in asked if here.get(name, asked[name]) != asked[name]]
    if other:
        return State.NOT_FOUND, f"{not_done} has {', '.join(other)}. {LOOK_AGAIN}"
    untold = ", ".join(label_of_ours(name) for name in asked if name not in here)
    if untold and change.partner:
        return State.UNKNOWN, f"Yeastar does not tell what it has as {untold}: look there whether it was changed."
    but = f", though it does not tell what it has as {untold}" if untold else ""
    return State.FOUND, f"Yeastar has {change.email} as you wanted it{but}: it was {_verb(change)}."


def _known_before(change: PartnerChange) -> bool:
    return _called(change).filter(first_seen_at__lt=change.at).exists()


def _called(change: PartnerChange) -> MirroredQuerySet:
    """Customers of its account with its address, whichever account is in force by now."""
    return Partner.everywhere.filter(destination=change.destination, email__iexact=change.email)


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
        found = _called(change).filter(gone_at=None).first()
        change.partner = found if isinstance(found, Partner) else None
        change.save(update_fields=["partner"])

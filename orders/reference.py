"""Our own mark on an order: short, unique, easy to read over the telephone, and found again in the vendor's history."""

import re
import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without 0 and O, 1, I and L, and U: nothing that is misread or makes a word."""

PATTERN = re.compile(rf"\bYP-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}\b")


_IN_ANY_CASE = re.compile(PATTERN.pattern, re.IGNORECASE)


def new_reference() -> str:
    """A fresh reference such as YP-7F3K-9QX2; the database refuses one that is taken."""
    letters = [secrets.choice(ALPHABET) for _ in range(8)]
    return f"YP-{''.join(letters[:4])}-{''.join(letters[4:])}"


def looks_like_ours(text: str) -> bool:
    """Whether something in a text could be taken for a reference of ours, however it is written."""
    return _IN_ANY_CASE.search(text) is not None


def as_written(text: str) -> str:
    """The beginning of a reference whose mark was left out, with it: YP-ZS28-8A for zs28-8a. Empty for other texts."""
    text = text.upper()
    return f"YP-{text}" if re.fullmatch(rf"[{ALPHABET}]{{4}}-[{ALPHABET}]{{0,4}}", text) else ""


def with_reference(po_number: str, reference: str) -> str:
    """What is sent as poNumber: the person's own PO number, if any, then our reference, if it is to be sent."""
    return " ".join(part for part in (po_number, reference) if part)

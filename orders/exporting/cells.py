"""Text for the cells of a CSV file. It holds nothing but text, so spreadsheets guess what is meant: here they must not.

An apostrophe is put in front of a text that a spreadsheet

- would calculate: it begins with = + - or @, also in their wide forms, also behind blanks; or with a tab or a new line;
- would take for a number, a date or a time, and show as another: 3049041101760282624, 00123, 12E5, 3-4, DEC 2026;
- or that begins with an apostrophe itself.

Where lists are separated by semicolons, as in much of Europe, spreadsheets begin a cell behind each semicolon, tab or
new line in the middle of a text, too. There an apostrophe is put in front of = + - @ as well.

Nothing is lost by it: `read_back` takes it all away. Only NUL, which spreadsheets do not bear, becomes �.
"""

from __future__ import annotations

import re

_UNSEEN = r"[\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffc\ufffd\x01-\x1f]"
"""What is not seen, or turns the direction of writing. A spreadsheet may take it away before it looks."""

_CALCULATES = "[=+\\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]"
_SEPARATES = "[;\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]"

_FIRST = re.compile(f"[\t\n\r']|{_UNSEEN}*+{_CALCULATES}")
_INNER = re.compile(f"({_SEPARATES}{_UNSEEN}*+)('*+{_CALCULATES})")
_INNER_MARKED = re.compile(f"({_SEPARATES}{_UNSEEN}*+)'('*+{_CALCULATES})")
_RARE = re.compile(f"\0|{_SEPARATES}")

_PUNCTUATION = r"\s.,:;/\\'\u2019()%$€£¥+\-"
_NUMBER = re.compile(
    rf"(?=\D*\d)[\d{_PUNCTUATION}]*+(?:E[+-]?\d++)?[\d{_PUNCTUATION}]*+(?:[AP]\.?(?:M\.?)?)?", re.IGNORECASE
)
_MONTH = re.compile(
    rf"(?=\D*\d)[\d{_PUNCTUATION}]*+(?:jan|feb|m[aä]r|a[pvb]r|ma[ijy]|j[uú]|ao[uû]|aug|ago|sep|o[ckt]t|nov|d[ei][cz])"
    rf"[^\W\d_]*+[\d{_PUNCTUATION}]*+",
    re.IGNORECASE,
)

PLAIN = frozenset("BCEGHIKLPQRTUVWXYZbceghiklpqrtuvwxyz")
"""With these letters begins no number and no month."""


def mark(text: str | None) -> str:
    """A text as it stands in a cell. Empty for none."""
    if not text:
        return ""
    if _RARE.search(text):
        text = _INNER.sub(r"\1'\2", text.replace("\0", "\ufffd"))
    elif text[0] in PLAIN:
        return text
    return f"'{text}" if _is_guessed(text) else text


def read_back(cell: str) -> str:
    """The text that stands in a cell."""
    return _INNER_MARKED.sub(r"\1\2", cell.removeprefix("'"))


def _is_guessed(text: str) -> bool:
    return bool(_FIRST.match(text) or _NUMBER.fullmatch(text) or _MONTH.fullmatch(text))

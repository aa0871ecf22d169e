"""Text for the cells of a CSV file. It holds nothing but text, so spreadsheets guess what is meant: here they must not.

The rule: what a spreadsheet would show as something else than what was written is protected by an apostrophe in front
of it. These are texts that

- it would calculate: they begin with = + - or @, also in their wide forms, also behind what is not seen; or with a tab
  or a new line;
- it would take for a number, a date or a time: 3049041101760282624, 00123, 12E5, 3-4, ½, 2026-11-21T10:00, DEC 2026;
- it would take for a truth value or an error, in the larger languages of spreadsheets: TRUE, falsch, #N/A;
- begin with an apostrophe themselves.

Where lists are separated by semicolons, as in much of Europe, spreadsheets begin a cell behind each semicolon, tab or
new line in the middle of a text, too. There an apostrophe is put in front of = + - @ as well.

Too many apostrophes harm nobody, and nothing is lost by them: `read_back` takes all away. Only NUL, which spreadsheets
do not bear, becomes �.
"""

from __future__ import annotations

import re
from string import ascii_letters

from orders.text import fold

_UNSEEN = (
    "[\x01-\x20\x7f-\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680"
    "\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ue000-\uf8ff\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""What is not seen: blanks, controls, marks of direction, fillers. A spreadsheet may take it away before it looks."""

_CALCULATES = "[=+\\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]"
_SEPARATES = "[;\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]"

_FIRST = re.compile(f"[\t\n\r']|{_UNSEEN}*+(?:{_CALCULATES}|[#\uff03])")
_INNER = re.compile(f"({_SEPARATES}{_UNSEEN}*+)('*+{_CALCULATES})")
_INNER_MARKED = re.compile(f"({_SEPARATES}{_UNSEEN}*+)'('*+{_CALCULATES})")
_RARE = re.compile(f"\0|{_SEPARATES}")

_PUNCTUATION = (
    r"\s.,:;/\\'\u2019()%\u2030$¢-¥₠-⃀+\-年月日時时分秒년월일시분초"
    r"\uff04\uffe0\uffe1\uffe5\uffe6\uff05\uff08\uff09\uff0c\uff0e\uff0f\uff1a"
)
_DIGIT = r"\d¹²³¼-¾⅐-↉"
_NUMBER = re.compile(
    rf"(?=[^{_DIGIT}]*[{_DIGIT}])[{_DIGIT}{_PUNCTUATION}]*+(?:[ET](?=[+\-]?\d))?[{_DIGIT}{_PUNCTUATION}]*+"
    r"(?:Z|[AP]\.?(?:M\.?)?)?",
    re.IGNORECASE,
)
_MONTHS = (
    *("jan", "ene", "gen", "feb", "fev", "mar", "maa", "mrt", "apr", "abr", "avr", "may", "mai", "mag", "mei", "maj"),
    *("jun", "jui", "giu", "jul", "lug", "ago", "aug", "aou", "sep", "set", "okt", "oct", "out", "ott"),
    *("nov", "dec", "dez", "dic", "des"),
)
"""How they begin in the larger languages of spreadsheets, without accents."""

_MONTH = re.compile(rf"(?=\D*\d)[\d{_PUNCTUATION}]*+(?:{'|'.join(_MONTHS)})[^\W\d_]*+[\d{_PUNCTUATION}]*+")
_WORDS = {
    *("true", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "sant", "sand", "usand", "prawda", "pravda"),
    *("false", "falsch", "faux", "falso", "onwaar", "falskt", "falsk", "usann", "falsz", "nepravda"),
    *("tosi", "epatosi", "dogru", "yanlis", "igaz", "hamis", "истина", "ложь"),
}
"""True and false, as spreadsheets call them, without accents."""

_TWO = {first + second for first in ascii_letters for second in ascii_letters}

PLAIN = frozenset(two for two in _TWO if not any(month.startswith(two.lower()) for month in _MONTHS))
"""What begins with two such letters is no number and no month, and if it holds more than letters, no word either."""

LONGEST = 64
"""Characters. What is longer is no month and no word."""


def mark(text: str | None) -> str:
    """A text as it stands in a cell. Empty for none."""
    if not text:
        return ""
    if _RARE.search(text):
        text = _INNER.sub(r"\1'\2", text.replace("\0", "\ufffd"))
    elif text[:2] in PLAIN and not text.strip().isalpha():
        return text
    return f"'{text}" if _is_guessed(text) else text


def read_back(cell: str) -> str:
    """The text that stands in a cell."""
    return _INNER_MARKED.sub(r"\1\2", cell.removeprefix("'"))


def _is_guessed(text: str) -> bool:
    if _FIRST.match(text) or _NUMBER.fullmatch(text):
        return True
    if len(text) > LONGEST:
        return False
    folded = fold(text.strip())
    return folded in _WORDS or bool(_MONTH.fullmatch(folded))

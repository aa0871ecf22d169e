"""Text as we search it, as a database can store it, and as people read it."""

import re
import unicodedata
from typing import Any

# Letters with a stroke and the like, which Unicode does not take apart.
UNSTROKED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)


OUR_EXCEPTIONS = re.compile(r" \(\w+(?:Error|Timeout|Protocol|Unavailable)\)")


def plain(words: str) -> str:
    """Words without the exceptions' names that stand in brackets behind them, for whoever mends it; logs keep them."""
    return OUR_EXCEPTIONS.sub("", words)


UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def one_line(text: str) -> str:
    """Text as a field of one line shows it: each break and each row of blanks is one blank."""
    return UNSEEN.sub(" ", text).strip()


def counted(number: int, one: str) -> str:
    """1 order; 1,234 orders."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u2032\u00b4`", "'"))
"""As telephones and word processors write them."""


def fold(text: str) -> str:
    """Text as it is searched: lower case, without accents, with one sort of apostrophes. Folded again it stays so."""
    text = text.translate(APOSTROPHES)
    if text.isascii():
        return text.lower()
    for _ in range(3):  # a sign may be made of capitals, and those of letters with accents
        text = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in text if not unicodedata.combining(char)).translate(APOSTROPHES | UNSTROKED)


def storable(value: Any) -> Any:
    """`value` without what PostgreSQL or UTF-8 refuse (NUL, lone surrogates): evidence must never fail to be stored."""
    if isinstance(value, str):
        if not value.isascii():
            value = value.encode("utf-8", "replace").decode()
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value

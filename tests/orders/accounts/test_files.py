"""A file is shown row by row before anything is written; whatever is sent as one, nothing breaks or is lost."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from orders.accounts import tables
from orders.accounts.tables import Unreadable, read
from orders.models import AccountChange, AccountImport, AuditEntry, Contact, Partner

pytestmark = pytest.mark.usefixtures("accounts")

LUMIERE = "3106913644890832897"


@pytest.fixture
def adams(adam: User, sign_in: Callable[[User], Client]) -> Client:
    """Adam's browser."""
    return sign_in(adam)


def send(client: Client, content: bytes | str, name: str = "accounts.csv", what: str = "partners") -> Any:
    """Choose a file, and send it."""
    raw = content.encode() if isinstance(content, str) else content
    return client.post(f"/{what}/import/", {"file": SimpleUploadedFile(name, raw)})


def shown(client: Client, content: bytes | str, name: str = "accounts.csv", what: str = "partners") -> str:
    """The page that says what a file would change."""
    answered = send(client, content, name, what)
    assert answered.status_code == 302, answered.content.decode()[-3000:]
    return client.get(answered.url).content.decode()


def write(client: Client, page: str) -> Any:
    """Press the button on that page."""
    url = re.search(r'action="(/\w+/import/\d+/decide/)"', page)
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', page)
    assert url is not None
    assert seen is not None
    return client.post(url.group(1), {"do": "confirm", "seen": seen.group(1)})


def ours() -> list[Any]:
    return list(Partner.objects.order_by("pk").values())


def workbook(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_what_would_change_and_what_is_wrong_is_shown_and_nothing_is_written_until_it_is_confirmed(
    adams: Client, adam: User
) -> None:
    other = Partner.objects.exclude(remote_id=LUMIERE)[0].remote_id
    before = ours()
    page = shown(
        adams,
        "Id,Company,Note,Tags,Owner,Hidden,Colour\n"
        f'{LUMIERE},Forged,"Pays late, but pays","VIP, west",adam,yes,red\n'
        f"{other},,,,,no,\n"
        "123,,x,,,no,\n"
        f"{other[:-1]}0,,,,,perhaps,\n",
    )
    assert "Nothing is written yet" in page
    assert "Not read: Colour." in page
    assert "Pays late, but pays" in page
    assert page.count("No customer has this id.") == 2
    assert "A spreadsheet seems to have rounded it" not in page
    assert re.findall(r"Line (\d+)", page) == ["4", "5", "2"], "what is to be mended stands first"
    assert ours() == before
    assert write(adams, page).status_code == 302
    row = Partner.objects.get(remote_id=LUMIERE)
    assert (row.note, row.tag_list, row.owner, row.hidden) == ("Pays late, but pays", ["vip", "west"], adam, True)
    assert row.company != "Forged", "what is the vendor's is not read"
    assert AccountChange.objects.get(kind="kept").who == adam
    entry = AuditEntry.objects.get(action="accounts.imported")
    assert (entry.data["changed"], entry.data["left out"]) == (1, 2)
    assert [each for each in ours() if each["remote_id"] != LUMIERE] == [
        each for each in before if each["remote_id"] != LUMIERE
    ]
    assert write(adams, page).status_code == 422, "it was imported already"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_comes_back_as_it_was(kind: str, adams: Client, adam: User) -> None:
    contact = Contact.objects.on_offer()[0]
    notes = ['=HYPERLINK("http://evil")', "'+1", "0012", "a\nb; c,\td", "<script>", "Ünïcode ✓", "1/2"]
    for row, note in zip(Partner.objects.all(), notes, strict=False):
        changes = {"note": note, "tags": ",a b,é,", "owner": adam, "preferred_contact": contact, "hidden": True}
        Partner.objects.filter(pk=row.pk).update(**changes)
    before = ours()
    exported = adams.get(f"/partners/export/?format={kind}")
    assert exported["Content-Disposition"].endswith(f'.{kind}"')
    page = shown(adams, exported.content, f"x.{kind}")
    assert "Would change</dt><dd><strong>0</strong>" in page
    assert "Left out" not in page
    Partner.objects.update(note="", tags="", owner=None, preferred_contact=None, hidden=False)
    assert write(adams, shown(adams, exported.content, f"x.{kind}")).status_code == 302
    assert ours() == before
    assert AuditEntry.objects.filter(action="export.made").exists()


def test_an_export_holds_what_is_filtered(adams: Client) -> None:
    text = adams.get(f"/partners/export/?format=csv&q={LUMIERE}").content.decode("utf-8-sig")
    assert len(text.strip().splitlines()) == 2
    assert adams.get("/partners/export/?format=exe").status_code == 302


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace(",", ";").encode("cp1252"),
        lambda text: text.replace(",", "\t").encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: ("\r\n" + text).encode(),
    ],
    ids=["UTF-8 with its mark", "Windows-1252, semicolons", "UTF-16, tabs", "CRLF", "an empty line first"],
)
def test_what_spreadsheets_write_is_read(encode: Callable[[str], bytes], adams: Client) -> None:
    write(adams, shown(adams, encode(f"Id,Note\n{LUMIERE},Café Müller\n")))
    assert Partner.objects.get(remote_id=LUMIERE).note == "Café Müller"


def test_a_column_that_is_missing_changes_nothing_and_an_empty_cell_empties(adams: Client) -> None:
    Partner.objects.filter(remote_id=LUMIERE).update(note="Old", tags=",vip,")
    write(adams, shown(adams, f"ID , NOTE\n{LUMIERE},\n"))
    row = Partner.objects.get(remote_id=LUMIERE)
    assert (row.note, row.tags) == ("", ",vip,")


def test_what_was_changed_since_it_was_shown_is_not_written_over(adams: Client) -> None:
    page = shown(adams, f"Id,Note\n{LUMIERE},From the file\n")
    Partner.objects.filter(remote_id=LUMIERE).update(note="Meanwhile")
    answered = write(adams, page)
    assert answered.status_code == 422
    again = answered.content.decode()
    assert "Something was changed here since this was shown" in again
    assert Partner.objects.get(remote_id=LUMIERE).note == "Meanwhile"
    assert "Meanwhile" in again, "and it is shown anew"
    assert write(adams, again).status_code == 302
    assert Partner.objects.get(remote_id=LUMIERE).note == "From the file"


def test_a_file_can_be_dropped(adams: Client) -> None:
    page = shown(adams, f"Id,Note\n{LUMIERE},x\n")
    kept = AccountImport.objects.get()
    adams.post(f"/partners/import/{kept.pk}/decide/", {"do": "drop"})
    assert write(adams, page).status_code == 422
    assert Partner.objects.get(remote_id=LUMIERE).note == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{id},,nobody,,", "Nobody who may sign in is called"),
        ("{id},,,maybe,", "neither yes nor no"),
        ("{id},,,,123", "No billing contact has the id"),
        ("{id}," + "t" * 41 + ",,,", "A tag may have 40 characters"),
        (",a,,,", "No id."),
        ("3.10691E+18,a,,,", "A spreadsheet seems to have rounded it"),
        ('"3,10691e18",a,,,', "A spreadsheet seems to have rounded it"),
        ("3106913644890830000,a,,,", "A spreadsheet seems to have rounded it"),
        ("{id},a,,,\n{id},b,,,", "This id stands in 2 rows"),
    ],
)
def test_each_wrong_row_says_why(line: str, words: str, adams: Client) -> None:
    before = ours()
    page = shown(adams, "Id,Tags,Owner,Hidden,Preferred contact\n" + line.format(id=LUMIERE) + "\n")
    assert words in page
    assert "Would change</dt><dd><strong>0</strong>" in page
    write_nothing = re.search(r'value="confirm"', page)
    assert write_nothing is None
    assert ours() == before


def bomb(size: int) -> bytes:
    """A small file that would unpack to a very large one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.writestr("xl/workbook.xml", "<x/>")
        with packed.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(size // 2**20):
                part.write(b" " * 2**20)
    return out.getvalue()


def with_texts(*rows: list[str]) -> bytes:
    """A workbook whose texts are kept in a part of their own, as Excel keeps them."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return out.getvalue()


def altered(change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook, each part of which was changed by its name."""
    source, out = io.BytesIO(with_texts(["Id", "Note"], ["1", "x"])), io.BytesIO()
    with zipfile.ZipFile(source) as packed, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for part in packed.infolist():
            made.writestr(part.filename, change(part.filename, packed.read(part)))
    return out.getvalue()


def with_entities() -> bytes:
    """A workbook whose table defines entities within entities."""
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'

    def change(name: str, text: bytes) -> bytes:
        if not name.startswith(("xl/worksheets/", "xl/sharedStrings")):
            return text
        text = laughs.encode() + text.partition(b"?>")[2]
        return text.replace(b"</sheetData>", b"&b;&c;</sheetData>")

    return altered(change)


def swollen(part: str, end: str, piece: str, times: int, before: str = "") -> bytes:
    """A workbook of which one part holds, in front of `end`, a piece very many times."""
    more = f"{before}{piece * times}{end}".encode()

    def change(name: str, text: bytes) -> bytes:
        assert name != part or end.encode() in text
        return text.replace(end.encode(), more) if name == part else text

    return altered(change)


SHEET = "xl/worksheets/sheet1.xml"

COMMENTS = b"<r>" + b"<!-- nothing -->" * 40_000 + b"</r>"
"""More than a small part may have."""


def odd_book(sheet: bytes) -> bytes:
    return zipped({SHEET: sheet, "xl/workbook.xml": b"<x/>"})


def claiming_more(archive: bytes) -> bytes:
    """An archive whose directory says that its first part goes on behind its end."""
    entry = archive.index(b"PK\x01\x02")
    sizes = struct.pack("<II", 2**24, 2**24)
    return archive[: entry + 20] + sizes + archive[entry + 28 :]


BOMBS: dict[str, Callable[[], bytes]] = {
    "blanks": lambda: bomb(100 * 2**20),
    "very many styles": lambda: swollen("xl/styles.xml", "</cellXfs>", "<xf/>", 2_000_000),
    "very many names": lambda: swollen("xl/workbook.xml", "</workbook>", '<definedName name="a"/>', 50_000),
    "very many cells of one row": lambda: swollen(SHEET, "</row></sheetData>", "<c/>", 1_000_000),
    "very many merged cells": lambda: swollen(SHEET, "</worksheet>", '<mergeCell ref="A1"/>', 100_000, "<mergeCells>"),
    "rows that are none": lambda: swollen(SHEET, "</worksheet>", "<row/>", 1_000_000),
    "very many empty texts": lambda: swollen("xl/sharedStrings.xml", "</sst>", "<si/>", 3_000_000),
}


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "blanks": lambda: b"\n\n  \n",
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
    "NUL": lambda: b"Id,Note\n1,a\0b\n",
    "an old Excel file": lambda: b"\xd0\xcf\x11\xe0" + b"x" * 500,
    "a broken archive": lambda: b"PK\x03\x04" + b"x" * 500,
    "an archive that claims more than it holds": lambda: claiming_more(odd_book(COMMENTS)),
    "an encoding that nobody knows": lambda: odd_book(b'<?xml version="1.0" encoding="klingon"?>' + COMMENTS),
    "an archive of something else": lambda: zipped({"readme.txt": b"hello"}),
    "an archive of very many parts": lambda: zipped({f"{n}": b"" for n in range(300)} | {"xl/workbook.xml": b"<x/>"}),
    "a workbook without a table": lambda: zipped({"xl/workbook.xml": b"<x/>", "[Content_Types].xml": b"<x/>"}),
    "a bomb": lambda: bomb(100 * 2**20),
    "a bomb of styles": BOMBS["very many styles"],
    "entities": with_entities,
    "no id": lambda: b"Name,Note\n1,2\n",
    "no column of ours": lambda: b"Id,Colour\n1,2\n",
    "two columns of one name": lambda: b"Id,Note,note\n1,2,3\n",
    "heads alone": lambda: b"Id,Note\n",
    "an open quote": lambda: b'Id,Note\n1,"abc\n2,x\n',
    "a line of commas, and something at its end": lambda: b"Id,Note\n" + b"," * 2**20 + b"x",
    "very many columns": lambda: b"Id,Note" + b",x" * 100 + b"\n1" + b",y" * 101 + b"\n",
    "a very long cell": lambda: b"Id,Note\n1," + b"x" * 20_000 + b"\n",
    "too many rows": lambda: b"Id,Note\n" + b"1,x\n" * 25_001,
    "a number that Excel has rounded": lambda: workbook(["Id", "Note"], [3106913644890832897, "x"]),
    "a program of web pages": lambda: b"<html><script>alert(1)</script></html>",
}


def zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("name", ["x.csv", "x.xlsx"])
def test_what_cannot_be_read_is_said_in_words_and_nothing_is_kept(what: str, name: str, adams: Client) -> None:
    before = ours()
    answered = send(adams, HOSTILE[what](), name)
    assert answered.status_code == 422, what
    page = answered.content.decode()
    assert "Please look at this again" in page
    assert "Traceback" not in page
    assert "<script>alert" not in page
    assert not AccountImport.objects.exists()
    assert ours() == before


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused_before_it_is_opened(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("it was opened")

    content = BOMBS[what]()
    assert len(content) < 200_000
    monkeypatch.setattr(openpyxl, "load_workbook", never)
    with pytest.raises(Unreadable, match="far larger than it seems"):
        read(content)


def test_a_large_table_of_short_rows_is_no_bomb() -> None:
    rows = [[f"P3106913644890{number:06}", f"A note on {number}"] for number in range(8_000)]
    content = with_texts(["Id", "Note"], *rows)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.getinfo(SHEET).file_size > tables.SMALL_PART_BYTES
        assert packed.getinfo("xl/sharedStrings.xml").file_size > tables.SMALL_PART_BYTES
    assert [cells for _, cells in read(content).rows] == rows


def test_a_line_is_known_to_be_too_wide_before_its_cells_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(b"Id,Note" + b"," * 500 + b"\n1,x" + b", " * 500).rows == [(2, ["1", "x"])], "empty cells are none"
    known: list[str] = []

    def remember(cell: str) -> str:
        known.append(cell)
        return cell

    monkeypatch.setattr(tables, "read_back", remember)
    with pytest.raises(Unreadable, match="Line 2 has more than 40 columns"):
        read(b"Id,Note\n" + b"';" * 10 + b"1," * 50_000)
    assert known == ["Id", "Note"]


def test_what_a_hostile_file_says_is_shown_as_text(adams: Client) -> None:
    hostile = "<script>alert(1)</script>"
    page = shown(adams, f'Id,Note,{hostile}\n{LUMIERE},"{hostile}",x\n"{hostile}",x,y\n', f"{hostile}.csv")
    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_a_file_that_is_too_large_is_refused_and_elsewhere_every_file(adams: Client, client: Client) -> None:
    large = b"Id,Note\n" + b"x" * tables.FILE_BYTES
    answered = send(adams, large)
    assert answered.status_code == 422
    assert "too large" in answered.content.decode()
    assert send(adams, b"x" * (7 * 2**20)).status_code == 413
    assert send(client, "Id,Note\n1,x\n").status_code == 302, "who has not signed in is led to the login"
    file = SimpleUploadedFile("x.csv", b"Id,Note\n")
    assert adams.post("/partners/hide/", {"file": file}).status_code == 400
    assert adams.post("/partners/hide/", {"file": SimpleUploadedFile("x", b"x" * 2 * 2**20)}).status_code == 413


def test_a_forged_form_is_refused_with_a_file_too(adam: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(adam)
    assert send(strict, f"Id,Note\n{LUMIERE},x\n").status_code == 403
    assert not AccountImport.objects.exists()


def test_a_person_without_permission_sends_nothing(alice: User, sign_in: Callable[[User], Client]) -> None:
    assert send(sign_in(alice), f"Id,Note\n{LUMIERE},x\n").status_code == 403
    assert not AccountImport.objects.exists()


def test_the_contacts_have_no_preferred_contact(adams: Client) -> None:
    contact = Contact.objects.on_offer()[0]
    page = shown(adams, f"Id,Note,Preferred contact\n{contact.remote_id},x,{contact.remote_id}\n", what="contacts")
    assert "Not read: Preferred contact." in page
    write(adams, page)
    contact.refresh_from_db()
    assert contact.note == "x"

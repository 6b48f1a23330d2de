"""A bank's statement as CSV, read whole or not at all: each line that can't be read is told with its number. Pure.

Banks name their columns as they like, in Vietnamese or English; they are found by the words people know them by.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from django.utils.translation import gettext as _

from yba.care.money.transfers import Credit
from yba.ui.words import HANOI, fold

LARGEST: Final = 5_000_000
#: Column -> how banks name it, folded; the first that fits a header is taken.
NAMES: Final[Mapping[str, Sequence[str]]] = {
    "at": ("ngay giao dich", "ngay hach toan", "transaction date", "ngay gd", "ngay", "date"),
    "reference": (
        "so tham chieu",
        "ma giao dich",
        "so but toan",
        "so giao dich",
        "reference",
        "ma gd",
        "ref",
    ),
    "amount": ("ghi co", "phat sinh co", "so tien ghi co", "tien vao", "credit", "co"),
    "content": ("noi dung", "dien giai", "mo ta", "description", "details"),
    "payer": ("ten tai khoan doi ung", "nguoi chuyen", "doi tac", "payer", "remitter"),
}
WANTED: Final = ("at", "reference", "amount", "content")
_TIMES: Final = (
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d",
)


@dataclass(frozen=True, slots=True)
class Read:
    """What a file says: money that came, how many lines were of money that went, and what can't be read."""

    credits: tuple[Credit, ...]
    others: int
    faults: tuple[str, ...]


def read(content: bytes, *, account: str) -> Read:
    """The statement of one account. With any fault there are no credits: nothing is taken by half."""
    if len(content) > LARGEST:
        return Read((), 0, (_("Tệp lớn hơn 5 MB. Xuất sao kê của ít ngày hơn."),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Read((), 0, (_("Tệp không phải CSV mã UTF-8. Lưu lại từ bảng tính dạng “CSV UTF-8”."),))
    head, rows = _table(text)
    missing = [one for one in WANTED if one not in head]
    if missing:
        return Read((), 0, (_missing(missing),))
    found: list[Credit] = []
    faults: list[str] = []
    others = 0
    for line, row in rows:
        said = {name: row[at].strip() for name, at in head.items() if at < len(row)}
        try:
            credit = _credit(said, account=account)
        except ValueError as problem:
            faults.append(_("Dòng %(line)s: %(problem)s") % {"line": line, "problem": problem})
            continue
        if credit is None:
            others += 1
        else:
            found.append(credit)
    return Read(() if faults else tuple(found), others, tuple(faults))


def _table(text: str) -> tuple[dict[str, int], Iterator[tuple[int, list[str]]]]:
    """Where each column stands, and the rows below the line that names them; banks write a page of words above."""
    sign = max(",;\t", key=text[:5000].count)
    lines = csv.reader(io.StringIO(text), delimiter=sign)
    head: dict[str, int] = {}
    for row in lines:
        head = _columns(row)
        if len(head) >= len(WANTED) - 1:
            break
    return head, ((lines.line_num, row) for row in lines if any(one.strip() for one in row))


def _columns(row: Sequence[str]) -> dict[str, int]:
    titles = [re.sub(r"\W+", " ", fold(one)).strip() for one in row]
    found: dict[str, int] = {}
    for name, known in NAMES.items():
        for wanted in known:
            at = next(
                (n for n, one in enumerate(titles) if n not in found.values() and _is(one, wanted)), None
            )
            if at is not None:
                found[name] = at
                break
    return found


def _is(title: str, wanted: str) -> bool:
    return title == wanted or f" {wanted} " in f" {title} "


def _credit(said: Mapping[str, str], *, account: str) -> Credit | None:
    """The line as money that came; None for money that went. ValueError says what is wrong."""
    amount = amount_in(said.get("amount", ""))
    if not amount:
        return None
    if not said.get("reference"):
        raise ValueError(_("không có số tham chiếu, nên không biết đã ghi hay chưa."))
    return Credit(
        account=account,
        reference=said["reference"][:100],
        amount=amount,
        content=said.get("content", ""),
        at=_moment(said.get("at", "")),
        payer=said.get("payer", ""),
    )


def amount_in(text: str) -> Decimal:
    """Whole đồng of "1.234.567", "1,234,567.00", "+45000 VND"; 0 for none. ValueError for what is no sum."""
    bare = re.sub(r"[\s\u00a0]|VND|đ|\+", "", text, flags=re.IGNORECASE)
    if bare in ("", "-", "0"):
        return Decimal(0)
    bare = re.sub(r"[.,]0{1,2}$", "", bare)
    if not re.fullmatch(r"\d+|\d{1,3}([.,]\d{3})+", bare):
        raise ValueError(_("“%(text)s” không phải số tiền đồng.") % {"text": text})
    try:
        found = Decimal(re.sub(r"[.,]", "", bare))
    except InvalidOperation as problem:  # digits alone reach here
        raise AssertionError(bare) from problem
    if found >= 10**13:
        raise ValueError(_("“%(text)s” lớn hơn mọi số tiền của cơ sở.") % {"text": text})
    return found


def _moment(text: str) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=HANOI)
        except ValueError:
            continue
    raise ValueError(
        _("ngày “%(text)s” không đọc được; cần dạng 24/11/2026 hoặc 2026-11-24.") % {"text": text}
    )


def _missing(names: Sequence[str]) -> str:
    words = {
        "at": _("ngày giao dịch"), "reference": _("số tham chiếu"), "amount": _("ghi có"), "content": _("nội dung"),
    }  # fmt: skip
    return _("Tệp thiếu cột: %(columns)s. Cần dòng tiêu đề có các cột này.") % {
        "columns": ", ".join(words[one] for one in names)
    }

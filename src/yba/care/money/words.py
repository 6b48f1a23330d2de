"""Amounts in Vietnamese words, as receipts must say them."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS: Final = ("", "nghìn", "triệu", "tỷ", "nghìn tỷ", "triệu tỷ")


def amount_in_words(amount: int) -> str:
    """``Hai trăm bảy mươi mốt nghìn bốn trăm hai mươi đồng``."""
    if amount == 0:
        return "Không đồng"
    if amount < 0:
        return "Âm " + amount_in_words(-amount)[:1].lower() + amount_in_words(-amount)[1:]
    groups = []
    rest = amount
    while rest:
        rest, group = divmod(rest, 1000)
        groups.append(group)
    parts = []
    for at in range(len(groups) - 1, -1, -1):
        if groups[at]:
            parts.append(_three(groups[at], full=at < len(groups) - 1))
            parts.append(_GROUPS[at])
    text = " ".join(part for part in parts if part)
    return f"{text[:1].upper()}{text[1:]} đồng"


def _three(number: int, *, full: bool) -> str:
    hundreds, rest = divmod(number, 100)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or full else []
    tens, ones = divmod(rest, 10)
    if not rest:
        return " ".join(words)
    if tens == 0:
        return " ".join([*words, *(["lẻ"] if words else []), _DIGITS[ones]])
    words += ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
    if ones == 1 and tens > 1:
        words.append("mốt")
    elif ones == 4 and tens > 1:
        words.append("tư")
    elif ones == 5:
        words.append("lăm")
    elif ones:
        words.append(_DIGITS[ones])
    return " ".join(words)

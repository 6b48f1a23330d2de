"""The text of a section for people: a table in xhtml, each heading in Vietnamese and English, everything escaped.

Source: FHIR R4, narrative.html; what a section says in codes its text says in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from yba.fhir.rest.operations.summary.sections import Row, Section, moment

XHTML = "http://www.w3.org/1999/xhtml"
_HEAD = ("Nội dung / Item", "Chi tiết / Details", "Tình trạng / Status", "Thời gian / Date")
NOTHING = "Không có thông tin. / No information available."
_LATEST = "Chỉ ghi kết quả mới nhất của mỗi loại. / The latest of each kind only."
_WORDS: Mapping[str, str] = {
    "active": "đang có / active",
    "inactive": "không còn / inactive",
    "resolved": "đã khỏi / resolved",
    "remission": "thuyên giảm / remission",
    "recurrence": "tái phát / recurrence",
    "relapse": "tái phát / relapse",
    "unconfirmed": "chưa xác nhận / unconfirmed",
    "presumed": "cho là có / presumed",
    "provisional": "tạm thời / provisional",
    "differential": "phân biệt / differential",
    "confirmed": "đã xác nhận / confirmed",
    "completed": "đã xong / completed",
    "on-hold": "tạm ngừng / on hold",
    "unknown": "không rõ / unknown",
    "intended": "dự định / intended",
    "final": "chính thức / final",
    "amended": "đã sửa / amended",
    "corrected": "đã đính chính / corrected",
    "high": "nguy cơ cao / high risk",
    "low": "nguy cơ thấp / low risk",
    "unable-to-assess": "chưa đánh giá được / unable to assess",
}


def of_section(section: Section, rows: Sequence[Row], names: Mapping[str, Mapping[str, Any]]) -> str:
    """The xhtml of a section. ``names``: resources that rows point to, by reference."""
    title = f"{section.title} / {section.english}"
    if not rows:
        return div(f"<p><b>{escape(title)}</b></p><p>{escape(NOTHING)}</p>")
    head = "".join(f"<th>{escape(one)}</th>" for one in _HEAD)
    lines = "".join(_line(one.tree, names) for one in rows)
    note = f"<p>{escape(_LATEST)}</p>" if section.latest else ""
    return div(
        f"<p><b>{escape(title)}</b></p>{note}<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    )


def div(inside: str) -> str:
    """A narrative's div in Vietnamese."""
    return f'<div xmlns="{XHTML}" lang="vi" xml:lang="vi">{inside}</div>'


def _line(tree: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> str:
    cells = (subject(tree, names), "; ".join(_details(tree)), "; ".join(_statuses(tree)), moment(tree))
    return "<tr>" + "".join(f"<td>{_escaped(one)}</td>" for one in cells) + "</tr>"


def _escaped(text: str) -> str:
    """Text as xhtml holds it: signs that XML has no place for are left out."""
    return escape("".join(sign for sign in text if sign >= " " or sign in "\t\n"))


def subject(tree: Mapping[str, Any], names: Mapping[str, Mapping[str, Any]]) -> str:
    """What a row is about, in words."""
    for name in (
        "code", "medicationCodeableConcept", "vaccineCode", "category", "title", "description", "summary", "scope",
    ):  # fmt: skip
        text = words(tree.get(name))
        if text:
            return text
    for name in ("medicationReference", "device"):
        reference = tree.get(name)
        if isinstance(reference, dict):
            link = str(reference.get("reference", ""))
            target = names.get(link, {})
            return str(reference.get("display") or _device(target) or words(target.get("code")) or link)
    return str(tree.get("resourceType", ""))


def _device(tree: Mapping[str, Any]) -> str:
    named = tree.get("deviceName") or [{}]
    return words(tree.get("type")) or str(named[0].get("name", ""))


def words(value: object) -> str:
    """A concept, or a list of them, or a text, in words."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(filter(None, (words(one) for one in value)))
    if not isinstance(value, dict):
        return ""
    if value.get("text"):
        return str(value["text"])
    codings = value.get("coding", ())
    return next((str(one["display"]) for one in codings if one.get("display")), "") or next(
        (str(one["code"]) for one in codings if one.get("code")), ""
    )


def _statuses(tree: Mapping[str, Any]) -> list[str]:
    said = [
        one["code"]
        for name in ("clinicalStatus", "verificationStatus")
        for one in (tree.get(name) or {}).get("coding", ())[:1]
        if one.get("code")
    ]
    if isinstance(tree.get("status"), str):
        said.append(tree["status"])
    return [_WORDS.get(one, one) for one in said]


def _details(tree: Mapping[str, Any]) -> list[str]:
    found = [_value(tree)] if _value(tree) else []
    found += [f"{words(part.get('code'))}: {_value(part)}" for part in tree.get("component", ())]
    if tree.get("criticality"):
        found.append(_WORDS.get(tree["criticality"], tree["criticality"]))
    for reaction in tree.get("reaction", ()):
        text = words(reaction.get("manifestation"))
        found.append(f"{text} ({reaction['severity']})" if reaction.get("severity") else text)
    dosages = [*tree.get("dosage", ()), *tree.get("dosageInstruction", ())]
    found += [str(one["text"]) for one in dosages if isinstance(one, dict) and one.get("text")]
    if tree.get("conclusion"):
        found.append(tree["conclusion"])
    found += [str(one["text"]) for one in tree.get("note", ()) if one.get("text")]
    return found


def _value(tree: Mapping[str, Any]) -> str:
    """The value of an observation in words; "" for none."""
    quantity = tree.get("valueQuantity")
    if isinstance(quantity, dict):
        parts = (
            quantity.get("comparator"),
            quantity.get("value"),
            quantity.get("unit") or quantity.get("code"),
        )
        return " ".join(str(one) for one in parts if one is not None)
    for name in ("valueCodeableConcept", "valueString", "valueDateTime", "valueTime"):
        if tree.get(name):
            return words(tree[name])
    for name in ("valueInteger", "valueBoolean"):
        if name in tree:
            return str(tree[name]).lower()
    if isinstance(tree.get("valueRange"), dict):
        low, high = (tree["valueRange"].get(end) or {} for end in ("low", "high"))
        return f"{low.get('value', '')}-{high.get('value', '')} {high.get('unit') or low.get('unit') or ''}".strip()
    return ""

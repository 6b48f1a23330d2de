"""The table of roles for people: made from ``roles.yaml``, in Vietnamese and English.

``python -m tests.access.document`` writes it into the two documents anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.access import oracle

FOLDER = Path(__file__).parents[2] / "docs" / "explanation"
FILES = {"en": FOLDER / "access.md", "vi": FOLDER / "access.vi.md"}
BEGIN, END = "<!-- roles: made from roles.yaml -->", "<!-- end of roles -->"
RELATIONS = {
    "all": ("every row", "mọi dòng"),
    "own-facility": ("what the own facility keeps", "cơ sở mình lưu"),
    "own-department": ("persons of the own department", "người bệnh của khoa mình"),
    "own-patients": ("persons with a visit, booking or care team here",
                     "người có lượt khám, lịch hẹn, nhóm chăm sóc ở đây"),
    "treating": ("persons treated in person", "người do chính mình điều trị"),
    "shared": ("what is shared (consent, transfer, emergency)", "phần được chia sẻ (đồng ý, chuyển tuyến, cấp cứu)"),
    "self": ("the own book", "sổ của chính mình"),
    "ward": ("children one is guardian of", "con em mình giám hộ"),
    "delegated": ("adults who let one act for them", "người lớn ủy quyền cho mình"),
}  # fmt: skip
LABELS = {
    "hiv": ("HIV", "HIV"), "mental": ("mental health", "tâm thần"),
    "reproductive": ("reproductive health of minors", "sinh sản vị thành niên"),
    "vip": ("VIP", "VIP"), "restricted": ("restricted", "hạn chế"), "deceased": ("deceased", "đã mất"),
}  # fmt: skip
HEADS = {
    "en": ("Role", "Sees of persons", "Writes", "Sensitive labels", "Never sees of these"),
    "vi": ("Vai trò", "Xem về người bệnh", "Ghi", "Nhãn nhạy cảm", "Bị che"),
}


def table(language: str) -> str:
    """The table as Markdown. What a role sees of catalogues is the same for nearly all, and left out."""
    heads = HEADS[language]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_row(role, language))} |" for role in oracle.role_keys()]
    return "\n".join(lines)


def _row(role: str, language: str) -> tuple[str, ...]:
    catalogue = set(oracle.said()["groups"]["catalogue"])
    grants = [one for one in oracle.grants(role) if not one["types"] <= catalogue]
    sees = [one for one in grants if "read" in one["may"]]
    writes = [one for one in oracle.grants(role) if {"create", "update", "patch"} & one["may"]]
    masks = oracle.said()["roles"][role].get("masks", {})
    labels: set[str] = set().union(*(one["labels"] for one in (*sees, *writes))) if grants else set()
    return (
        f"`{role}`", _relations(sees, language), _relations(writes, language),
        ", ".join(_word(LABELS, one, language) for one in LABELS if one in labels) or "–",
        "; ".join(f"{name}: {', '.join(elements)}" for name, elements in masks.items()) or "–",
    )  # fmt: skip


def _relations(grants: list[dict[str, Any]], language: str) -> str:
    found = {relation for one in grants for relation in one["of"]}
    return "; ".join(_word(RELATIONS, one, language) for one in RELATIONS if one in found) or "–"


def _word(words: dict[str, tuple[str, str]], name: str, language: str) -> str:
    return words[name][language == "vi"]


def written(text: str, language: str) -> str:
    """A document with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(language)}\n\n{END}{after}"


if __name__ == "__main__":
    for name, file in FILES.items():
        file.write_text(written(file.read_text(encoding="utf-8"), name), encoding="utf-8")

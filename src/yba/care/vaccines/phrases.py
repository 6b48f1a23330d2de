"""What the evaluator says, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.care.vaccines.schedule import schedule
from yba.care.vaccines.values import Advice, Forecast, Verdict
from yba.ui import spoken, words

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

#: Face §9: the kind of a status, and its words.
STATES: Final[dict[str, tuple[str, StrPromise]]] = {
    "complete": ("done", gettext_lazy("Đủ mũi")),
    "overdue": ("warn", gettext_lazy("Quá hạn")),
    "due": ("now", gettext_lazy("Đến hạn")),
    "upcoming": ("wait", gettext_lazy("Chưa đến hạn")),
    "contraindicated": ("urgent", gettext_lazy("Chống chỉ định")),
    "aged-out": ("missed", gettext_lazy("Đã qua tuổi tiêm")),
    "not-applicable": ("off", gettext_lazy("Không áp dụng")),
    "unknown": ("warn", gettext_lazy("Chưa biết")),
}
_REASONS: Final[dict[str, StrPromise]] = {
    "counted": gettext_lazy("Được tính là mũi %(dose)s"),
    "late": gettext_lazy("Được tính là mũi %(dose)s, tiêm muộn hơn tuổi khuyến cáo"),
    "too-young": gettext_lazy("Không được tính: tiêm trước tuổi tối thiểu (%(day)s)"),
    "too-close": gettext_lazy("Không được tính: quá gần mũi trước (sớm nhất %(day)s)"),
    "live-apart": gettext_lazy("Không được tính: chưa đủ 28 ngày sau vắc xin sống khác (sớm nhất %(day)s)"),
    "extra": gettext_lazy("Thêm, lịch không cần mũi này"),
    "same-day": gettext_lazy("Trùng ngày với mũi đã tính"),
    "spoilt": gettext_lazy("Không được tính: vắc xin hết hạn hoặc liều không đủ"),
    "not-given": gettext_lazy("Không tiêm"),
    "error": gettext_lazy("Ghi nhầm"),
    "no-day": gettext_lazy("Chưa tính được: không rõ ngày tiêm"),
    "future": gettext_lazy("Chưa tính được: ngày tiêm sau hôm nay"),
    "before-birth": gettext_lazy("Chưa tính được: ngày tiêm trước ngày sinh"),
    "unknown-vaccine": gettext_lazy("Chưa tính được: lịch không biết vắc xin này"),
    "other-kind": gettext_lazy("Không được tính ở đây: vắc xin loại khác"),
}


def state_of(found: Forecast) -> tuple[str, str]:
    """The kind and words of a status."""
    kind, said = STATES[found.state]
    return kind, str(said)


def reason_of(found: Verdict) -> str:
    """Why a vaccination counts or doesn't."""
    day = words.ngay(found.until) if found.until else ""
    return str(_REASONS[found.reason]) % {"dose": found.dose, "day": day}


def series_name(key: str) -> str:
    """A series in the reader's language."""
    return schedule().series[key].name.of(spoken.language())


def note_of(found: Forecast) -> str:
    """What has to be known of a series beside its status."""
    language = spoken.language()
    said = []
    if found.state == "aged-out" and found.series == "hepatitis-b-birth":
        said.append(_("Mũi sơ sinh không tiêm bù; các mũi sau vẫn bảo vệ trẻ."))
    elif found.state == "aged-out":
        said.append(
            _("Còn thiếu %(count)s mũi. Hỏi bác sĩ có tiêm bù được không.")
            % {"count": found.doses - found.counted}
        )
    if found.mixed:
        said.append(_("Đã tiêm xen hai loại không thay nhau được. Hỏi bác sĩ."))
    if found.rollout and found.state in ("due", "upcoming", "overdue"):
        said.append(_("Chỉ nơi chương trình đã triển khai."))
    said += [bar.text.of(language) for bars in found.bars.values() for bar in bars]
    return " ".join(dict.fromkeys(said))


def stands_on(found: Advice) -> str:
    """What the advice stands on, and its day: said wherever the advice is."""
    known = {"version": found.version, "day": words.ngay(found.on), "count": found.judged}
    said = (
        _("Theo lịch tiêm chủng mở rộng bản %(version)s, tính tới %(day)s từ %(count)s mũi ghi trong sổ.")
        % known
    )
    if found.person.birth is None:
        return _("Chưa biết đủ ngày sinh, nên không tính được lịch. Bổ sung ngày sinh trước.")
    if not found.judged:
        said += " " + _("Sổ chưa ghi mũi nào: có thể đã tiêm mà chưa ghi, hỏi sổ giấy trước.")
    if found.partial:
        said += " " + _(
            "Chỉ tính mũi ghi ở cơ sở này: mũi ghi ở nơi khác chưa được chia sẻ."
            " Xem sổ giấy, ghi thêm mũi cũ, hoặc xin chia sẻ sổ."
        )
    if found.unjudged:
        count = {"count": len(found.unjudged)}
        said += " " + _("Có %(count)s mũi chưa tính được vì thiếu ngày hoặc tên vắc xin.") % count
    return said


def unreviewed() -> str:
    """Said as long as nobody of this house has confirmed the schedule."""
    if schedule().about.reviewed:
        return ""
    return _("Lịch này chưa được hội đồng chuyên môn của cơ sở xác nhận.")

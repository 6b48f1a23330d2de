"""A prescription as the national system takes it: names, forms and codes of QĐ 808/QĐ-BYT (2022), part V.

Left out: ``hinh_thuc_dieu_tri`` (a code of a list that is not published with the interface), ``dot_dung_thuoc``
(courses of narcotics, psychotropics and decoctions only, none of which is prescribed here) and ``signature`` (there is
no signing device yet).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from yba.care.prescription_portal import Line, Prescription
from yba.ui.words import as_date

_GENDERS: Final = {"male": "2", "female": "3"}
_UNKNOWN_GENDER: Final = "1"


def body_of(one: Prescription) -> dict[str, Any]:
    """The JSON object of one prescription; every value is text, as the interface has it."""
    return {
        "loai_don_thuoc": one.code[-1].lower(),
        "ma_don_thuoc": one.code,
        "ho_ten_benh_nhan": one.name,
        "ma_dinh_danh_y_te": "",
        "ma_dinh_danh_cong_dan": one.citizen_number,
        "ngay_sinh_benh_nhan": _born(one.born),
        "can_nang": _plain(one.weight_kg) if one.weight_kg is not None else "",
        "gioi_tinh": _GENDERS.get(one.gender, _UNKNOWN_GENDER),
        "ma_so_the_bao_hiem_y_te": one.card,
        "thong_tin_nguoi_giam_ho": one.companion,
        "dia_chi": one.address,
        "chan_doan": [
            {"ma_chan_doan": each.code, "ten_chan_doan": each.name, "ket_luan": each.name}
            for each in one.diagnoses
        ],
        "luu_y": "",
        "thong_tin_don_thuoc": [_line(each) for each in one.lines],
        "loi_dan": one.advice,
        "so_dien_thoai_nguoi_kham_benh": "",
        "ngay_tai_kham": "" if one.days_until_return is None else str(one.days_until_return),
        "ngay_gio_ke_don": f"{one.at:%Y-%m-%d %H:%M:%S}",
    }


def _line(one: Line) -> dict[str, str]:
    return {
        "ma_thuoc": one.code,
        "biet_duoc": one.brand,
        "ten_thuoc": one.name,
        "don_vi_tinh": one.unit,
        "so_luong": _plain(one.quantity),
        "cach_dung": one.how,
    }


def _born(text: str) -> str:
    """01/05/1990; of who knows the year alone, the year."""
    day = as_date(text)
    return f"{day:%d/%m/%Y}" if day is not None else text[:4]


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")

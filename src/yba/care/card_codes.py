"""Codes inside citizen and insurance numbers: provinces before 07/2025, groups of the insured, rights.

The numbers keep the province codes of the day they were given, so the 63 provinces before the merger stay
valid.
Sources: QĐ 124/2004/QĐ-TTg (province codes), QĐ 1351/QĐ-BHXH (2015), 1697/QĐ-BHXH (2023), 1018/QĐ-BHXH
(2024) and
NQ 261/2025/QH15 (groups and rights).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CARD_PROVINCES: Final[Mapping[str, str]] = {
    "01": "Hà Nội", "02": "Hà Giang", "04": "Cao Bằng", "06": "Bắc Kạn", "08": "Tuyên Quang",
    "10": "Lào Cai", "11": "Điện Biên", "12": "Lai Châu", "14": "Sơn La", "15": "Yên Bái",
    "17": "Hòa Bình", "19": "Thái Nguyên", "20": "Lạng Sơn", "22": "Quảng Ninh", "24": "Bắc Giang",
    "25": "Phú Thọ", "26": "Vĩnh Phúc", "27": "Bắc Ninh", "30": "Hải Dương", "31": "Hải Phòng",
    "33": "Hưng Yên", "34": "Thái Bình", "35": "Hà Nam", "36": "Nam Định", "37": "Ninh Bình",
    "38": "Thanh Hóa", "40": "Nghệ An", "42": "Hà Tĩnh", "44": "Quảng Bình", "45": "Quảng Trị",
    "46": "Thừa Thiên Huế", "48": "Đà Nẵng", "49": "Quảng Nam", "51": "Quảng Ngãi", "52": "Bình Định",
    "54": "Phú Yên", "56": "Khánh Hòa", "58": "Ninh Thuận", "60": "Bình Thuận", "62": "Kon Tum",
    "64": "Gia Lai", "66": "Đắk Lắk", "67": "Đắk Nông", "68": "Lâm Đồng", "70": "Bình Phước",
    "72": "Tây Ninh", "74": "Bình Dương", "75": "Đồng Nai", "77": "Bà Rịa - Vũng Tàu",
    "79": "Thành phố Hồ Chí Minh", "80": "Long An", "82": "Tiền Giang", "83": "Bến Tre", "84": "Trà Vinh",
    "86": "Vĩnh Long", "87": "Đồng Tháp", "89": "An Giang", "91": "Kiên Giang", "92": "Cần Thơ",
    "93": "Hậu Giang", "94": "Sóc Trăng", "95": "Bạc Liêu", "96": "Cà Mau",
    "97": "Bộ Quốc phòng", "98": "Công an nhân dân",
}  # fmt: skip

# Group -> the rights digits it carries, the present one first. Two groups changed on 01/01/2026 (NQ
# 261/2025/QH15).
_GROUPS: Final = {
    "1": "CC TE",
    "2": "CK CB KC HN DT DK XD BT TS AK CT",
    "3": "HT TC PV TG DS HK",
    "4": "DN HX CH NN TK HC XK TB NO XB TN CS XN MS HD TQ TA TY HG LS HS SV GB GD ND TH TV TD TU BA",
    "5": "QN CA CY",
}
RIGHTS_OF: Final[Mapping[str, str]] = {
    **{group: digit for digit, groups in _GROUPS.items() for group in groups.split()},
    "CN": "23",
    "LH": "24",
}
OBJECT_CODES: Final = frozenset(RIGHTS_OF)

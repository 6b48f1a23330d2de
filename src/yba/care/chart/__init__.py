"""What stands on one page about a person: problems, allergies, medicines, visits, results, immunisations.

Read by a few searches, the same number for a thin record and a thick one, and put into frozen typed values.
The doctor's page and the citizen's book say it in their own words.
"""

from yba.care.chart.allergies import (
    NO_KNOWN_ALLERGY,
    SNOMED,
    allergies_of,
    allergy_of,
    asked_of,
    is_none_known,
)
from yba.care.chart.elements import HANOI, codes_of, display_of, id_of, quantity_words, text_of
from yba.care.chart.medicines import drug_code_of, facility_of, medicine_of, medicines_of
from yba.care.chart.problems import problem_of, problems_of
from yba.care.chart.reading import chart_of, recorded_allergies
from yba.care.chart.results import trends_of
from yba.care.chart.values import (
    Allergy,
    Asked,
    Chart,
    Direction,
    Dose,
    Medicine,
    Point,
    Problem,
    Trend,
    Visit,
)
from yba.care.chart.vital_signs import BLOOD_PRESSURE, BODY_MASS_INDEX, VITAL_SIGNS, VitalSign, direction_of

__all__ = [
    "BLOOD_PRESSURE", "BODY_MASS_INDEX", "HANOI", "NO_KNOWN_ALLERGY", "SNOMED", "VITAL_SIGNS", "Allergy", "Asked",
    "Chart", "Direction", "Dose", "Medicine", "Point", "Problem", "Trend", "Visit", "VitalSign", "allergies_of",
    "allergy_of", "asked_of", "chart_of", "codes_of", "direction_of", "display_of", "drug_code_of", "facility_of",
    "id_of", "is_none_known", "medicine_of", "medicines_of", "problem_of", "problems_of", "quantity_words",
    "recorded_allergies", "text_of", "trends_of",
]  # fmt: skip

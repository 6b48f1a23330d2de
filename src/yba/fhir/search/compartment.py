"""Compartments: the resources that belong to one patient, encounter, practitioner, related person or device.

FHIR R4, compartmentdefinition.html and http.html#vsearch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yba.fhir.errors import NotFound
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.search.clause import NOTHING, OWN, Clause, either, of_patients
from yba.fhir.search.parameters import of_type, param_number
from yba.fhir.search.principal import names_the_patient


@dataclass(frozen=True, slots=True)
class Compartment:
    """The compartment of one resource, by its type and id."""

    type: str
    id: str

    def clause(self, type_name: str) -> Clause:
        """A row of a type is in the compartment: one of the listed parameters names it, or it is the very one."""
        codes = [code for code in COMPARTMENTS[self.type].get(type_name, ()) if code in of_type(type_name)]
        ways = []
        if self.type == type_name:
            ways.append(Clause("r.id = {}", (self.id,), narrow=True))
        if len(codes) == 1 and self.type == "Patient" and names_the_patient(type_name, codes[0]):
            ways.append(of_patients([self.id]))
        elif codes:
            numbers = ", ".join(str(param_number(type_name, code)) for code in codes)
            ways.append(
                Clause(
                    f"exists (select from record.reference x where {OWN}"
                    f" and x.param in ({numbers}) and x.target_id = {{}} and x.target_type = '{self.type}')",
                    (self.id,),
                    narrow=self.type in ("Patient", "Encounter"),
                )
            )
        return either(ways) if ways else NOTHING


def types_in(compartment: str, asked: str) -> Sequence[str]:
    """The types a compartment search runs over. Raises NotFound where there is no such compartment or member."""
    if compartment not in COMPARTMENTS:
        raise NotFound(
            "search.compartment",
            f"'{compartment[:50]}' is no compartment. These are: {', '.join(COMPARTMENTS)}.",
        )
    members = [compartment, *(one for one in COMPARTMENTS[compartment] if one != compartment)]
    if asked == "*":
        return members
    if asked not in members:
        raise NotFound(
            "search.compartment",
            f"{asked[:50]} is not part of the compartment of a {compartment}.",
            type=asked,
        )
    return [asked]

"""Validation against StructureDefinitions. See README.md."""

from yba.fhir.validation.definitions import Definitions
from yba.fhir.validation.issue import Issue, outcome
from yba.fhir.validation.judging import validate, validate_json

__all__ = ["Definitions", "Issue", "outcome", "validate", "validate_json"]

"""Code systems and value sets: look up, expand, validate, translate. See README.md."""

from yba.fhir.terminology.concept import Concept
from yba.fhir.terminology.handle import Terminology

__all__ = ["Concept", "Terminology"]

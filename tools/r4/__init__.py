"""Generator of `yba.fhir.r4` from the R4 definitions HL7 publishes."""

"""Hospital systems that are told of visits: by HL7 v2 over MLLP, or by FHIR."""

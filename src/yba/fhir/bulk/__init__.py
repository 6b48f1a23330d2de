"""Much at once: export to NDJSON, import from it. Bulk Data Access 2.0 (hl7.fhir.uv.bulkdata)."""

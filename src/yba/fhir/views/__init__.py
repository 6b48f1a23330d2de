"""SQL on FHIR v2: a ViewDefinition read strictly and compiled to SQL, for PostgreSQL and for DuckDB."""

"""Storage: tables, the database file, secrets and bundled reference data. Imports nothing else of Gatehouse."""

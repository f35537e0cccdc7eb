"""The only importers of vendor SDKs in billing."""

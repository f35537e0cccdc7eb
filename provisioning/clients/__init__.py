"""The only importers of vendor SDKs: Google Cloud, Kubernetes, Helm, and the application's own HTTP interface."""

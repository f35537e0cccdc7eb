"""Stand-ins for the outside world: Google Cloud, its Kubernetes clusters, the application itself, and a mailbox."""

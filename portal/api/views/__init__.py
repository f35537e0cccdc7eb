"""One file per thing that the API speaks of."""

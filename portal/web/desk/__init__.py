"""The sales desk: our own people find a customer, see how things stand, and act, with the consequences said first."""

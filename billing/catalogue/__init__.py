"""The plans and features that the portal ships with."""

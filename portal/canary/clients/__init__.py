"""What the canary looks at the portal with."""

"""What is sold and what it costs: plans, features, entitlements, Stripe. It stands on provisioning, never below."""

"""What each method of Stripe's API does, one file per resource."""

"""The pages that Stripe hosts: Checkout, the billing portal, invoices, and a bank's question."""

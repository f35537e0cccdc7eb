"""The canary: every few hours a customer of our own comes, and goes, by the pages alone (decision 25)."""

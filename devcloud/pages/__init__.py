"""Pages for people: what exists in this devcloud, and the mail that it has caught."""

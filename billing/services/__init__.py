"""Everything that writes, by subject."""

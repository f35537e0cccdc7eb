"""What the terms of business say: pure functions of what is known, which read no database and no clock."""

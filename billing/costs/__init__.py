"""What an instance costs us: what it consumes in a month, and what each of that costs. It reads no database."""

"""What bin/bench measures. Each prints one JSON object as the last line of its output."""

"""What happens to one outside system at a time: actions that look, make and drop. One file per system."""

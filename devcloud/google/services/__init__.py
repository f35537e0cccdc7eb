"""One module per Google service, or per part of a big one."""

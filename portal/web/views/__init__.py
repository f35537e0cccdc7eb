"""One file per subject. A view parses, calls one service or selector, and answers; rules live below."""

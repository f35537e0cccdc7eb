"""bin/chaos: the real stack under fire, and a count of what came of it.

plan (which faults, from a seed alone), stack (the processes, kept up as a process manager would), storm (the faults are
struck), driver (a process of its own that asks for operations and counts in the end), census (what devcloud knows).
"""

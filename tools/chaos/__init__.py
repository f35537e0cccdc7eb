"""bin/chaos: the real stack under fire, and a count of what came of it.

plan (which faults, from a seed alone), stack (the processes, kept up as a process manager would), storm (the faults are
struck) or deploys (all processes are replaced); driver (a process of its own that asks for operations, by the deeds in
its deck, and counts in the end): standing (whether instances are as they were asked for), census and records (what
devcloud knows, asked behind the clients' back), verdict (all of it, as figures and in words).
"""

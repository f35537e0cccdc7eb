"""Durable operations: the graph, the leases, the scheduler. It knows no vendor.

Read in this order: action (what a step is made of), graph (how steps form a workflow), pursuit (look, make, look
again), leases (who may write), lifecycle (what follows from what), worker (the loop), scheduler (what is due).
"""

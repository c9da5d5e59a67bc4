"""HTTP: metrics for Prometheus and health for supervisors. It reads, and changes nothing.

Invariant: its address is taken before the agent begins to work, so that an address in use is told at the start.
"""

"""Ship the same Docker log lines with several agents, side by side, and print what each cost.

The folder owns the corpus, the sink that counts what arrives, the yardstick prototype, the peers' settings, the
measuring and the table. It knows the agent only as a user does: its installed command and its settings.
"""

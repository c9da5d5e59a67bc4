"""Settings: parsed and judged once, so that every other part gets plain values that are known to be good.

Invariant: a `Settings` that exists is valid as a whole; all problems of file, environment and flags are told together,
each with its key path, and no secret is ever part of any text that this package makes.
"""

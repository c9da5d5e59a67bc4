"""The Docker host as seen by us: which containers there are, how they log, and where their files lie.

The files under the data root are read first, for they cost nothing and need no socket; the Engine API fills in what they
cannot tell. Both give the same `Container` values. Nothing here writes, and what containers' owners may choose (names,
labels, options) is hostile input: it never raises and never becomes a path or a pattern.
"""

"""A small simulated Docker host: what `logagent demo` reads, and what tests of rotation read.

Invariant: what lies on disk is what dockerd's json-file driver would have written, byte for byte and in the same order of
steps: the record's layout and escapes, pieces of long lines, rotation, compression, metadata files.
"""

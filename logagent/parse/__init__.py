"""From a block of a container's log file to documents: bytes in, bytes out, no file, no socket, no clock.

Two ways lead from a block to its documents. `splice` handles a block in which every record has the plain shape, by a few
operations on the whole block; `record` and `partial` go line by line for everything else. Both give the same bytes for the
same lines: a property test says so. `block` chooses.
"""

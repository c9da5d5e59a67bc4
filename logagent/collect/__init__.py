"""From containers' log files to batches: what makes a set of rotated files look like one endless stream.

Invariant: the records of a source are read in the order in which dockerd wrote them, each once, from the place that the
catalog remembers; where files went unread, a gap is counted. Only this folder holds log files open, and only for reading.
"""

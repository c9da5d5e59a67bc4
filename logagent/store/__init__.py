"""The store: every event once, in gzip frames on disk, and one catalog that says what there is and how far all got.

Invariant: appending a frame to a segment, then one transaction that records the frame together with the progress of the
sources it covers, is the only way anything is remembered. A crash between the two leaves bytes behind the last recorded
frame; opening the store cuts them off. Segments are plain `_bulk` bodies in gzip: `zcat` and `zgrep` read them without us.
"""

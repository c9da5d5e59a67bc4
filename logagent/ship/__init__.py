"""Shipping: frames go to an output's `_bulk` as they lie on disk, and the answer decides what becomes of each event.

Invariant: an output's cursor stands only behind frames all of whose events were delivered or refused for good. What fails in
any other way is sent again, for as long as it takes; an id that the index has already is a success.
"""

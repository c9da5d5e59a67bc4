"""Frames inflated for reading, the last few of them kept: containers that are merged read the same frames in turn.

It owns what could not be read: frames that the store's limits removed meanwhile, and frames that are damaged. Neither ends the
reading; both are told at its end.
"""

from collections import OrderedDict

from isal import isal_zlib

from logagent.model import Frame
from logagent.store.segment import Segments

GZIP = 31  # zlib's name for the gzip format with the largest window
KEPT = 64 << 20


class Lost:
    """What could not be read: lines in frames that were removed or are damaged, and frames removed before they were looked up."""

    def __init__(self) -> None:
        self.removed_lines = self.removed_frames = self.damaged_lines = 0
        self.damaged = ""
        self._noted = 0

    def note_gap(self, after: int, oldest: int) -> None:
        """Note that the reader stands behind frame `after` while the store begins with `oldest`; told twice, it counts once."""
        first = max(after, self._noted) + 1
        if after and oldest > first:
            self.removed_frames += oldest - first
            self._noted = oldest - 1

    def note(self, frame: Frame, lines: int, error: Exception) -> None:
        """Note that `lines` of `frame` could not be read for `error`."""
        if isinstance(error, FileNotFoundError):
            self.removed_lines += lines
        else:
            self.damaged_lines += lines
            self.damaged = self.damaged or f"frame {frame.seq} in segment {frame.segment}: {error}"


class Texts:
    """The texts of frames; together no more than `budget` bytes are kept, but always the last one."""

    def __init__(self, segments: Segments, budget: int = KEPT) -> None:
        self._segments, self._budget, self._size = segments, budget, 0
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def text(self, frame: Frame) -> bytes:
        """The plain text of `frame`. Raises OSError, also for damaged bytes."""
        text = self._kept.pop(frame.seq, None)
        if text is None:
            text = _inflate(self._segments.read(frame), frame.plain)
            self._size += len(text)
        self._kept[frame.seq] = text
        while self._size > self._budget and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1])
        return text


def _inflate(member: bytes, length: int) -> bytes:
    try:
        return isal_zlib.decompress(member, GZIP, length + 1)
    except isal_zlib.error as error:  # type: ignore[misc]  # isal's stubs call the exception class an instance
        raise OSError(f"its gzip member cannot be read ({error})") from error

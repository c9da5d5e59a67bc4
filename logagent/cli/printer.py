"""Lines of the store on stdout and stderr, byte for byte as Docker shows them, or behind the name of their container.

Docker's command writes each line to the stream it came from, messages raw. Between the two streams the order is kept where it
can be seen, by flushing at each change. Only what we add ourselves (names) is made safe for a terminal.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import BinaryIO

from logagent.store.choose import printable
from logagent.store.lines import Line, decode, decode_all
from logagent.store.records import Known

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # SGR foregrounds that are legible on dark and light
FULL = 1 << 20


class Outlet:
    """The two streams of this process. What is put is written at `flush`, and before the order between streams could be seen wrong."""

    def __init__(self, out: BinaryIO, err: BinaryIO) -> None:
        self._streams = (out, err)
        self._ordered = _same_file(out, err)
        self._pieces: tuple[list[bytes], list[bytes]] = ([], [])
        self._stderr = False
        self._size = 0

    def put(self, data: bytes, *, stderr: bool = False) -> None:
        """Take bytes for one of the streams."""
        if self._size > FULL or (stderr != self._stderr and self._ordered):
            self.flush()
        self._stderr = stderr
        self._pieces[stderr].append(data)
        self._size += len(data)

    def flush(self) -> None:
        """Write what was put. Raises BrokenPipeError when nobody reads it any more."""
        for stream, pieces in zip(self._streams, self._pieces, strict=True):
            if pieces:
                _write_whole(stream, b"".join(pieces))
                pieces.clear()
                stream.flush()
        self._size = 0


class Plain:
    """Writes lines as `docker logs` does; with `timestamps` behind their time."""

    def __init__(self, outlet: Outlet, *, timestamps: bool) -> None:
        self._outlet, self._timestamps = outlet, timestamps

    def name(self, chosen: Iterable[Known]) -> None:
        """Names are not shown."""

    def write(self, known: Known, lines: Sequence[Line]) -> None:
        """Write lines of one container."""
        tty = known.container.tty
        for (stderr, flags), group in groupby(lines, key=attrgetter("stderr", "flags")):
            newline = ending(flags, tty=tty)
            if not self._timestamps:
                data = decode_all([line.message for line in group], newline)
            else:
                data = b"".join(b"%b %b" % (line.stamp, decode_all([line.message], newline)) for line in group)
            self._outlet.put(data, stderr=stderr)


class Json:
    """Writes the documents as they are stored, one a line, all to stdout."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def name(self, chosen: Iterable[Known]) -> None:
        """Names are in the documents."""

    def write(self, _known: Known, lines: Sequence[Line]) -> None:
        """Write lines of one container."""
        self._outlet.put(b"".join(line.document + b"\n" for line in lines))


class Prefixed:
    """Writes lines behind their container's name, each a line of its own; the names are coloured per stream as `colours` says (stdout, stderr)."""

    def __init__(self, outlet: Outlet, *, timestamps: bool, colours: tuple[bool, bool]) -> None:
        self._outlet, self._timestamps, self._colours = outlet, timestamps, colours
        self._prefixes: dict[int, tuple[bytes, bytes]] = {}

    def name(self, chosen: Iterable[Known]) -> None:
        """Give each container its prefix; call it again when others have come."""
        labels = names(chosen)
        width = max(map(len, labels.values()), default=0)
        for number, (key, label) in enumerate(labels.items()):
            plain = f"{label:<{width}}  | "
            coloured = f"\x1b[{COLOURS[number % len(COLOURS)]}m{plain}\x1b[0m"
            self._prefixes[key] = tuple((coloured if on else plain).encode() for on in self._colours)  # type: ignore[assignment]  # two in, two out

    def write(self, known: Known, lines: Sequence[Line]) -> None:
        """Write lines of one container that was named."""
        prefixes = self._prefixes[known.key]
        for line in lines:
            time = line.stamp + b" " if self._timestamps else b""
            message = decode(line.message).encode()
            self._outlet.put(prefixes[line.stderr] + time + message + b"\n", stderr=line.stderr)


def ending(flags: Sequence[str], *, tty: bool) -> bytes:
    r"""How a line ended in its container, as escaped JSON: `\n`, `\r\n` for a TTY's, nothing for one that never ended."""
    if "partial" in flags:
        return b""
    return b"\\r\\n" if tty and "bare_newline" not in flags else b"\\n"


def names(chosen: Iterable[Known]) -> dict[int, str]:
    """What the containers are called: by name, and where several have the same, with the beginning of their id."""
    listed = list(chosen)
    count = Counter(known.container.name for known in listed)
    return {
        known.key: printable(known.container.name)
        + (f"@{known.container.id[:6]}" if count[known.container.name] > 1 else "")
        for known in listed
    }


def _write_whole(stream: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # with PYTHONUNBUFFERED the stream is the bare file, and may take less than it is given
        rest = rest[stream.write(rest) :]


def _same_file(out: BinaryIO, err: BinaryIO) -> bool:
    try:
        return os.path.samestat(os.fstat(out.fileno()), os.fstat(err.fileno()))
    except (OSError, ValueError):  # not files: they may be the same
        return True

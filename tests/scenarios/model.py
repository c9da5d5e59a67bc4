"""A model of dockerd's side of a log: what it wrote, where that lies now, and what of it an agent can still come to.

It keeps books of each record: stored, read by the agent that runs, still on disk or held open, or lost and why. So at any time
it knows what must be in the store, what may be missing, and for what a gap must have been counted. Times are simulated, those that
the kernel stamps deleted files with too: a run gives the same each time.
"""

import fcntl
import os
import re
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest import mock

import orjson

from logagent.collect.tail import Tail
from logagent.collect.unseen import CLOCK_TICK, FASTEST
from logagent.demo.container import container_id, create_container
from logagent.demo.writer import LogWriter
from logagent.parse.block import Parser
from tests.collect.rig import Rig, check_totals

TAG = re.compile(r"\d+\.\d+\|")
MS = 1_000_000

# Why a record may be missing. `gap`: it was deleted unread, and the agent can tell. `silent`: nobody could tell. `unseen`: not
# decided before the agent's next look. `doubt`: it looks like others, or its line was not finished when another program truncated the
# file, so that the model does not know whether it was read.
Loss = Literal["", "gap", "silent", "unseen", "doubt"]


@dataclass(slots=True, eq=False)
class Unit:
    """A record, or a piece of damage: `tag` stands in its text, empty for a piece that looks like others."""

    tag: str
    line: "Line"
    file: "File"
    gone: bool = False
    lost: Loss = ""
    stored: bool = False
    judged: bool = False


@dataclass(slots=True, eq=False)
class Line:
    """What a container printed, or damage (`stream` is then empty): `done` is its place in the order of ends, 0 while it has none."""

    stream: str
    time: int
    todo: list[bytes] = field(default_factory=list)
    text: str = ""
    units: list[Unit] = field(default_factory=list)
    done: int = 0
    cut: bool = False
    torn: bool = False
    found: list[str] = field(default_factory=list)

    @property
    def may_lack(self) -> bool:
        """Whether a part of it may be missing."""
        return any(u.lost for u in self.units)


@dataclass(slots=True, eq=False)
class File:
    """A file's content from one beginning on: `inodes` has it, plain and compressed; `begun` is its first record's time."""

    inodes: set[int]
    units: list[Unit] = field(default_factory=list)
    begun: int = 0
    away: bool = False
    lost: bool = False
    astray: bool = False
    unlinked: bool = False
    pieced: bool = False  # begins with no whole record: its name has a checksum


class Clock:
    """Simulated time, ns: each call is a millisecond later."""

    def __init__(self) -> None:
        self.now = 1_600_000_000_000_000_000  # before any time that a real kernel stamps

    def __call__(self) -> int:
        self.now += MS
        return self.now


class ModelRig(Rig):
    """A rig in simulated time that knows what the agent has read (`taken`, tags by container) and what it stored."""

    def __init__(self, folder: Path, **options: Any) -> None:
        super().__init__(folder, **options)
        self.clock: Any = Clock()
        self.now = self.clock.now / 1e9
        self.taken: dict[str, set[str]] = defaultdict(set)
        self.unlinked: dict[int, int] = {}
        self.frames = 0
        self._patches = [mock.patch("logagent.collect.collector.Parser", self._parser), self._kernel_time()]
        for patch in self._patches:
            patch.start()

    @property
    def up(self) -> bool:
        """Whether an agent runs."""
        return self._running

    def close(self) -> None:
        """End all."""
        self.crash()
        for patch in self._patches:
            patch.stop()

    def crash(self) -> None:
        """End at once."""
        super().crash()
        self.taken.clear()

    def held(self, container: str) -> list[int]:
        """Inodes of the files that are held open, oldest first."""
        source = self.collector._sources.get(container) if self.up else None
        return [tail.inode for tail in source._held.tails] if source else []

    def new_documents(self) -> list[dict[str, Any]]:
        """The documents that were stored since the last call, in the order of the store."""
        found = []
        for frame in self.store.catalog.frames_after(self.frames, 1 << 30):
            lines = zlib.decompress(self.store.read(frame), 31).splitlines()
            creates = [orjson.loads(line)["create"] for line in lines[::2]]
            found += [orjson.loads(d) | {"_id": c["_id"]} for c, d in zip(creates, lines[1::2], strict=True)]
            self.frames = frame.seq
        return found

    def _parser(self, container: str, *args: Any, **options: Any) -> Parser:
        taken = self.taken[container]

        class Watched(Parser):
            def parse(self, block: bytes, *args: Any, **options: Any) -> Any:
                taken.update(TAG.findall(block.decode("utf-8", "replace")))
                return super().parse(block, *args, **options)

        return Watched(container, *args, **options)

    def _kernel_time(self) -> Any:
        real = Tail.unlinked

        def unlinked(tail: Tail) -> int | None:
            return None if real(tail) is None else self.unlinked.setdefault(tail.inode, self.clock.now)

        return mock.patch.object(Tail, "unlinked", unlinked)


class Log:
    """One container: what it prints and what dockerd does with its files; `limits` are the writer's."""

    def __init__(self, rig: ModelRig, name: str, *, like_pieces: bool, **limits: Any) -> None:
        self.rig, self.name, self.id, self.limits = rig, name, container_id(name), limits
        self.max_file, self.like_pieces = int(limits["max_file"]), like_pieces
        self.max_size, self.compresses = limits["max_size"], limits["compress"] and self.max_file > 1
        options = {"max-file": str(self.max_file), "compress": str(limits["compress"]).lower()}
        options |= {"max-size": str(self.max_size)} if self.max_size else {}
        self.directory = create_container(rig.root, name, "busybox", log_options=options)
        self.units: dict[str, Unit] = {}
        self.waiting: list[Unit] = []  # not stored yet
        self.lines: list[Line] = []  # not found in the store yet, or not compared
        self.open: dict[str, Line] = {}
        self.number = self.ends = self.last_end = self.blank = self.first_time = 0
        self.last: dict[str, int] = {}
        self.documents: list[tuple[str, str]] = []
        self.slots: dict[int, File] = {}
        self.reached: File | None = None  # the newest of which something is stored
        self.torn: list[Line] = []
        self.astray: list[File] = []  # renamed by hand
        self.removed = self.excused = self.known = self.lossy = False
        self._reopen()

    # What the container prints

    def line(self, stream: str, time: int = 0) -> None:
        """Print a line."""
        self.begin(stream, [b"y" * ((self.number + 1) * 37 % 300) + b"\n"], time)

    def begin(self, stream: str, pieces: list[bytes], time: int = 0) -> None:
        """Print the first piece of a line, the rest of which comes with `go_on`."""
        self.number += 1
        line = Line(stream, time or self.rig.clock(), pieces)
        self.first_time = self.first_time or line.time
        self.lines.append(line)
        self.open[stream] = line
        self.go_on(stream)

    def go_on(self, stream: str) -> None:
        """Print the next piece."""
        line = self.open[stream]
        plain = self.like_pieces and bool(line.units)
        tag = "" if plain else f"{self._number(line)}.{len(line.units)}|"
        text = tag.encode() + line.todo.pop(0)
        rotations = self.writer.rotations
        self.writer.write_record(text, stream, line.time)  # type: ignore[arg-type]  # a stream's name
        self._rotated(self.writer.rotations - rotations)
        self._wrote(line, tag, text.decode(), line.time)
        if not line.todo:
            self._end(line)

    def damage(self, what: Literal["garbage", "torn", "nuls"]) -> None:
        """Write into the file what dockerd cannot have written whole."""
        if what == "nuls":
            os.write(self.writer._fd, b"\0" * 50)
            return
        self.number += 1
        line = Line("", 0, torn=what == "torn")
        self.lines.append(line)
        tag = f"{self.number}.0|"
        text = f"{tag}garbage\n" if what == "garbage" else f'{{"log":"{tag}torn'
        os.write(self.writer._fd, text.encode())
        self._wrote(line, tag, text, 0)
        self.torn += [line] if line.torn else []
        self._end(line)

    # What dockerd and others do with the files

    def rotate(self, stream: str) -> None:
        """Rotate, and write the record that did not fit: its time was taken before."""
        time = self.rig.clock()
        self.writer.rotate()
        self._rotated(1)
        self.line(stream, time)

    def compress(self, steps: int) -> None:
        """Do a part of the compression."""
        for _ in range(steps):
            self.writer.compress_step()
        self._note_inodes()
        if 1 in self.slots and not os.path.exists(f"{self.writer.path}.1"):
            self._unlinked(self.slots[1])

    def restart(self) -> None:
        """Close the log and open it again, as when the container or dockerd is restarted: unfinished lines stay so."""
        for stream in list(self.open):
            self.open.pop(stream).cut = True
        self.writer.close()
        self._reopen()
        self.line("stdout")

    def akin(self) -> bool:
        """Whether a rotated file begins with a piece of the same line as the live one: they have no order but that of their names."""
        return any(file.begun == self.live.begun for number, file in self.slots.items() if number)

    def truncate(self) -> None:
        """Cut the live file to nothing, as another program does."""
        live = self.slots.get(0)
        if live is not None:
            os.truncate(self.writer.path, 0)
            live.unlinked = True
            known = self._known(live)
            self._vanish(live, held=False, loss="gap" if known else "silent")
            for line in (
                n for n in self.lines if not n.done
            ):  # with the place in the file goes what it says of unfinished lines
                for unit in line.units:
                    unit.lost = unit.lost or "doubt"
                self.lossy = True
            self.slots[0] = self.live = File(set(live.inodes))

    def remove(self) -> None:
        """Remove the container and its directory: nobody can know what was lost in the end."""
        for file in dict.fromkeys((*self.slots.values(), *self.astray, self.live)):
            self._vanish(file, held=self.holds(file), loss="silent")
        self._torn_ends()
        for unit in self.waiting:
            unit.judged = True
        for stream in list(self.open):
            self.open.pop(stream).cut = True
        self.writer.close()
        self.rig.remove(self.name)
        self.removed = True

    def end(self) -> None:
        """Finish what is unfinished, and print a last line on each stream, behind which nothing is waited for."""
        if self.removed:
            return
        if self.live.away:
            self.restart()
        for stream in ("stdout", "stderr"):
            while stream in self.open:
                self.go_on(stream)
            self.line(stream)

    def close(self) -> None:
        """Close the writer."""
        if not self.removed:
            self.writer.close()

    @property
    def appends(self) -> bool:
        """Whether the live file's writer writes at its end, wherever that is: the first file's does, after a rotation it does not."""
        return bool(fcntl.fcntl(self.writer._fd, fcntl.F_GETFL) & os.O_APPEND)

    # What becomes of the agent

    def holds(self, file: File) -> bool:
        """Whether the agent has `file` open."""
        return not file.inodes.isdisjoint(self.rig.held(self.id))

    def crashed(self) -> None:
        """What only the agent's memory and its open files held is lost.

        A file that was deleted or cut by hand leaves no trace, unless the agent's place was in it; one that was renamed by hand is found again only
        when something of its log is stored.
        """
        self.excused |= self.reached is not None and self.reached.lost  # it cannot know that it had read all of it
        for file in self.astray if not self.known else ():
            self._vanish(file, held=False, loss="silent")
        for file in self.astray:
            if not file.lost and not any(u.stored for u in file.units):
                self._vanish(file, held=False, loss="silent")  # nobody remembers that it was there
        for unit in self.waiting:
            traceless = self.removed or (unit.file.unlinked and unit.file is not self.reached)
            if unit.lost == "unseen" or (unit.gone and not unit.lost) or (unit.lost == "gap" and traceless):
                self._lose(unit, "silent" if traceless else self._told())
                self.excused = True

    def looks(self) -> None:
        """Decide, as the agent is about to look, whether it can tell that files came and went unseen.

        It can by the times: the file that it holds was deleted when the live file was begun, so that one begun later is another one.
        Within one tick of the kernel's clock (or the time in which a file can be filled) it cannot, nor when the live file begins with a
        piece of an older line, nor when the file that it holds was not deleted by dockerd but renamed by hand.
        """
        unseen = [u for u in self.waiting if u.lost == "unseen"]
        if unseen:
            held = self.rig.held(self.id)
            gone = self.rig.unlinked.get(held[-1], 1 << 63) if held else 0
            late = min(CLOCK_TICK, self.max_size * 1000 // FASTEST) if self.max_size else CLOCK_TICK
            certain = gone < 1 << 63 and not self.max_size and self.max_file > 1
            for unit in unseen:
                unit.lost = "gap" if certain or (self.live.begun or 1 << 62) > gone + late else "silent"

    def stored(self, document: dict[str, Any]) -> None:
        """Take a stored document into the books: no record may be in two."""
        self.known = True
        message, stream = document["message"], "" if "error" in document else document["stream"]
        found = [self.units[tag] for tag in TAG.findall(message)]
        for unit in found:
            assert not unit.stored, f"{unit.tag} is stored twice"
            unit.stored = True
            self.reached = unit.file
        for line in dict.fromkeys(u.line for u in found):
            line.found.append(message)
            if not line.stream:
                assert not stream, "damage is marked"
                self._in_order(line)
            elif message == line.text and stream == line.stream:
                self._whole(line)
        if not found:
            self.blank += 1
        self.waiting = [u for u in self.waiting if not u.stored]

    def compare(self) -> bool:
        """Assert that what must be stored is, after all was read; tells whether a gap must have been counted since the last time."""
        if not self.visible:
            return False
        rest = []
        for line in self.lines:
            if line.may_lack:
                assert self._is_remains(line), f"line {self._number(line)} of {self.name} has parts of others"
            elif line.torn or not (
                line.done or (line.cut and (self.removed or self.last.get(line.stream, 0) > self._number(line)))
            ):
                rest.append(line)
            elif line.stream:
                assert [line.text] == line.found, f"line {self._number(line)} of {self.name}"
            else:
                found = [line.units[0].tag in text for text in line.found]
                assert [True] == found, f"the damaged line {self._number(line)} of {self.name}"
        assert not self.blank or self.lossy, f"a line of {self.name} without its beginning"
        self.lines = [line for line in self.lines if line in rest or (line.may_lack and not line.done and not line.cut)]
        return self._judge()

    def excuse(self) -> bool:
        """Tell once whether a gap may have been counted: files went that the agent had not read, or of which it could not know that.

        Behind a file that was renamed by hand it counts one when the set is full again, for then one may have been deleted from it.
        """
        astray = bool(self.max_size and self.astray and (self.live.away or self.reached in self.astray))
        lasting = self.live.lost or not self.visible or astray or any(u.gone for u in self.waiting)
        excused, self.excused = self.excused, lasting
        return excused

    @property
    def visible(self) -> bool:
        """Whether there is a live file with a whole line in it: before that, the agent does not know where to go on."""
        return self.removed or (0 in self.slots and any(not u.line.torn for u in self.live.units))

    def _judge(self) -> bool:
        missing = [u for u in self.waiting if u.lost and not u.judged and u.tag not in self.rig.taken[self.id]]
        for unit in missing:
            unit.judged = True
        return any(u.lost == "gap" for u in missing)

    def _is_remains(self, line: Line) -> bool:
        """Whether what is stored of a line of which a part may lack is made of its parts."""
        return all(self.units[tag].line is line or not line.stream for text in line.found for tag in TAG.findall(text))

    def _whole(self, line: Line) -> None:
        for unit in line.units:
            unit.stored = True
        if not line.may_lack:
            assert self.last.get(line.stream, 0) < self._number(line), "the order within a stream"
            self.last[line.stream] = self._number(line)
        self._in_order(line)

    def _in_order(self, line: Line) -> None:
        if line.done and not line.may_lack:
            assert self.last_end < line.done, "the order of the file"
            self.last_end = line.done

    def _number(self, line: Line) -> int:
        return int(line.units[0].tag.split(".")[0]) if line.units else self.number

    def _wrote(self, line: Line, tag: str, text: str, time: int) -> None:
        if not line.torn:
            self._torn_ends()
        unit = Unit(tag, line, self.live)
        line.units.append(unit)
        line.text += text.removesuffix("\n")
        self.waiting.append(unit)
        if tag:
            self.units[tag] = unit
        self.live.pieced = self.live.pieced or not (self.live.units or (time and text.endswith("\n")))
        self.live.units.append(unit)
        self.live.begun = self.live.begun or time
        if self.live.away and self.live.lost:
            self._gone(self.live, held=self.holds(self.live), loss="gap" if self._known(self.live) else "silent")

    def _end(self, line: Line) -> None:
        self.ends += 1
        line.done = self.ends
        self.open.pop(line.stream, None)

    def _torn_ends(self) -> None:
        """What was torn is known to be so once something is behind it: the next record, or a newer file."""
        for line in self.torn:
            line.torn = False
        self.torn = []

    def _reopen(self) -> None:
        self.writer = LogWriter(self.directory, self.id, pace="steps", **self.limits)
        if 0 not in self.slots:
            self._torn_ends()
            self._live_file()

    def _rotated(self, times: int) -> None:
        """Shift the files as dockerd does; the one that falls out takes with it what nobody holds."""
        for _ in range(times):
            self._torn_ends()
            if self.compresses and 1 in self.slots:
                self._unlinked(self.slots[1])  # a rotation waits for the last compression
            if self.compresses and self.live.pieced:
                self.excused = True  # once compressed, it may be the same to the byte as its neighbour
            self.rig.clock()
            out = self._shift()
            if out is not None:
                self._unlinked(out)
                self._vanish(out, held=self.holds(out), loss="unseen" if self.rig.held(self.id) else self._told())
            if self.compresses and 1 not in self.slots:
                self.writer._compression = iter(())  # there is nothing to compress: the engine only logs that
            self._live_file()

    def _live_file(self) -> None:
        inode = os.stat(self.writer.path).st_ino
        self.rig.unlinked.pop(inode, None)
        self.live = self.slots[0] = File({inode})
        self._note_inodes()

    def _unlinked(self, file: File) -> None:
        for inode in file.inodes:
            self.rig.unlinked.setdefault(inode, self.rig.clock.now)

    def _shift(self) -> File | None:
        if self.max_file == 1:
            live = self.slots.pop(0, None)
            if not self.limits.get("old_engine"):
                return live
            out = self.slots.pop(1, None)
            if live is not None:
                self.slots[1] = live
            return out
        out = self.slots.pop(self.max_file - 1, None)
        for number in range(self.max_file - 1, 0, -1):
            if number - 1 in self.slots:
                over = self.slots.get(number)
                assert over is None
                self.slots[number] = self.slots.pop(number - 1)
        return out

    def _note_inodes(self) -> None:
        if self.compresses:
            for number, file in self.slots.items():
                path = f"{self.writer.path}.{number}.gz"
                if number and os.path.exists(path):
                    file.inodes.add(os.stat(path).st_ino)

    def _vanish(self, file: File, *, held: bool, loss: Loss) -> None:
        """The content of `file` cannot be found any more, and is lost to an agent that does not hold it."""
        newest = self.rig.held(self.id)[-1:]
        if not held or not file.inodes.isdisjoint(newest):
            self.excused = True
        file.lost = True
        self._gone(file, held=held, loss=loss)

    def _gone(self, file: File, *, held: bool, loss: Loss) -> None:
        taken = self.rig.taken[self.id]
        for unit in file.units:
            if not unit.stored and not unit.gone:
                unit.gone = True
                if not held and not (unit.tag and unit.tag in taken):
                    self._lose(unit, loss)

    def _lose(self, unit: Unit, loss: Loss) -> None:
        """Before anything of a log was stored, nobody could know that there was more."""
        unit.lost = "doubt" if not unit.tag else loss if self.known else "silent"
        self.lossy = True

    def _told(self) -> Loss:
        """The agent tells that it lost its place; when it finds that in a file renamed by hand it cannot know what was between that and the set."""
        return "silent" if self.reached and self.reached.astray else "gap"

    def _known(self, file: File) -> bool:
        """Whether the agent that runs, or what it remembers, knows of content of `file`."""
        return self.holds(file) or any(u.stored for u in file.units)


def check_store(rig: ModelRig) -> None:
    """Assert that ids are unique and that the accounting agrees with what lies in the store."""
    ids = Counter(d["_id"] for d in rig.documents())
    assert [] == [i for i, n in ids.items() if n > 1]
    check_totals(rig.store.catalog, len(ids))

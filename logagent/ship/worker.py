"""One worker: takes the next frame, sends it and what must be sent again, and hands its outcome to the window.

`step(now)` sends one request at most and returns how long to wait before the next step. It holds one frame at a time.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from logagent.model import Frame
from logagent.ship import backoff
from logagent.ship.body import pack, pairs, shorten, sound, unpack
from logagent.ship.bulk import Again, Fault, Items, Split, Verdict, judge
from logagent.ship.deadletter import letters
from logagent.ship.elastic import Elastic, Unreachable
from logagent.ship.gate import Gate
from logagent.ship.limit import Limit
from logagent.ship.parcel import TOO_LARGE, Parcel
from logagent.ship.tally import Tally
from logagent.ship.trouble import Trouble
from logagent.ship.window import Outcome

REACH = "Check that Elasticsearch or OpenSearch runs there, and the output's url"
SILENT = 4  # times without any answer after which a request of many documents is halved: it may be what breaks the connection
LATER = "It is tried again at growing intervals"
DISK = "Check the disk and the permissions of the store's folder; `logagent store verify` tells what is missing"


class Frames(Protocol):
    """Where a worker takes frames from, and where it brings what became of them."""

    def take(self) -> tuple[Frame, Outcome] | None:
        """The next frame, None when there is none to be taken now."""

    def read(self, frame: Frame) -> bytes | None:
        """The frame's gzip member, None when the store let it go meanwhile. Raises OSError."""

    def finish(self, outcome: Outcome) -> None:
        """The outcome is complete."""


class Worker:
    """Ships frames of `frames` to `client`. `random` gives numbers in [0, 1); waits lie between `shortest` and `longest` seconds.

    `gate` and `limit` are shared by the workers of an output: what one of them learns about the server is true for all.
    """

    def __init__(
        self,
        frames: Frames,
        client: Elastic,
        tally: Tally,
        trouble: Trouble,
        *,
        gate: Gate,
        limit: Limit,
        shortest: float,
        longest: float,
        random: Callable[[], float],
    ) -> None:
        self._frames, self._client = frames, client
        self._tally, self._trouble, self._gate, self._limit = tally, trouble, gate, limit
        self._shortest, self._longest, self._random = shortest, longest, random
        self._attempt = self._silent = 0
        self._proven, self._accepted = False, 0
        self._asked: float | None = None
        self._drop()

    def _drop(self) -> None:
        self._frame: Frame | None = None
        self._outcome = Outcome(0)
        self._parcel = Parcel(0, proven=False)
        self._member = self._plain = b""
        self._checked = False

    def step(self, now: float) -> float | None:
        """Do the next thing. Returns seconds to wait before the next step; None when there is no frame to be taken."""
        if self._frame is None and not self._take():
            return None
        if not self._member and (wait := self._load(now)) is not None:
            return wait
        wait = 0.0 if self._parcel.done else self._send(now)
        if self._parcel.done:
            self._finish(now)
        return wait

    def _take(self) -> bool:
        if (taken := self._frames.take()) is None:
            return False
        self._frame, self._outcome = taken
        self._parcel = Parcel(self._frame.events, proven=self._proven)
        self._accepted = self._tally.accepted
        return True

    def _load(self, now: float) -> float | None:
        """Read the frame. Returns None when it is there, else how long to wait before the next step."""
        assert self._frame is not None  # noqa: S101 - step takes one first
        try:
            member = self._frames.read(self._frame)
        except OSError as error:
            sentence = f"frame {self._frame.seq} cannot be read from the store ({error.strerror or error})"
            return self._later(sentence, DISK, now)
        if member is None:
            self._frames.finish(self._outcome)
            self._drop()
            return 0.0
        self._member = member
        return None

    def _send(self, now: float) -> float:
        if not self._fits and self._damaged():  # cut into requests, a server would not meet what is wrong with it
            return 0.0
        body, size = self._body()
        answer = self._post(body, size, now)
        if isinstance(answer, Again | Split) and self._damaged():
            return 0.0
        self._learn(answer, size)
        verdict = self._parcel.apply(answer)
        if isinstance(verdict, Items):
            return self._weigh(verdict, now)
        if isinstance(verdict, Split):
            return 0.0
        return self._pause(verdict, now)

    def _learn(self, answer: Verdict, size: int) -> None:
        """Note what the answer says about the size of requests, and whether the server takes anything from us at all."""
        if isinstance(answer, Items):
            self._limit.passed(size)
        elif isinstance(answer, Split) and answer.status == TOO_LARGE:
            self._limit.refused(size, alone=len(self._parcel.items) == 1)
        self._parcel.proven |= self._tally.accepted > self._accepted
        self._silent = self._silent + 1 if isinstance(answer, Again) and not answer.answered else 0
        if self._silent >= SILENT:
            self._silent = 0
            self._parcel.halve()

    def _pause(self, verdict: Again | Fault, now: float) -> float:
        if isinstance(verdict, Fault) and verdict.access:
            self._client.renew()
        sentence = f"{self._client.url} answered {verdict.reason}" if _answered(verdict) else verdict.reason
        if isinstance(verdict, Fault):
            return self._later(sentence, verdict.advice, now, paused=True)
        return self._later(sentence, LATER if verdict.answered else REACH, now)

    def _weigh(self, verdict: Items, now: float) -> float:
        self._tally.sorted(verdict)
        self._trouble.stored_aside(verdict.failure_store, now)
        if verdict.fault and verdict.fault.access:
            self._client.renew()
        if not verdict.retry:
            self._attempt = 0
            self._trouble.over(now)
            return 0.0
        advice = verdict.fault.advice if verdict.fault else LATER
        sentence = f"{self._client.url} answered {verdict.reason}"
        return self._later(sentence, advice, now, paused=verdict.fault is not None)

    def _later(self, sentence: str, advice: str, now: float, *, paused: bool = False) -> float:
        self._trouble.failed(sentence, advice, now, paused=paused)
        self._tally.retried()
        self._attempt += 1
        asked, self._asked = self._asked, None
        return backoff.delay(self._attempt, self._random(), shortest=self._shortest, longest=self._longest, asked=asked)

    def _damaged(self) -> bool:
        """Look once, at a frame's first failure, whether it is damaged on disk: a server meets that with any answer, or with none.

        Then what can be read is sent on, and the rest is lost.
        """
        if self._checked:
            return False
        self._checked = True
        self._plain, intact = unpack(self._member)
        if intact:
            return False
        found = {item: pair for item, pair in pairs(self._plain, self._parcel.items).items() if sound(pair)}
        self._parcel.lose([item for item in self._parcel.items if item not in found])
        self._member = pack(list(found.values()))
        return True

    @property
    def _plain_size(self) -> int:
        return self._frame.plain if self._frame else 0

    @property
    def _fits(self) -> bool:
        return self._plain_size <= self._limit.bytes

    def _body(self) -> tuple[bytes, int]:
        """The next request as it goes out, and its size when unpacked: no more than the server is known to take."""
        if self._parcel.whole and self._fits and not self._parcel.shortened:
            return self._member, self._plain_size
        while True:
            found = self._pairs(self._parcel.items)
            size = sum(map(len, found.values()))
            if size <= self._limit.bytes or len(found) <= 1:
                break
            self._parcel.halve()
        found |= {item: shorten(pair) for item, pair in found.items() if item in self._parcel.shortened}
        return pack(list(found.values())), sum(map(len, found.values()))

    def _pairs(self, items: Sequence[int]) -> dict[int, bytes]:
        self._plain = self._plain or unpack(self._member)[0]
        return pairs(self._plain, items)

    def _post(self, body: bytes, size: int, now: float) -> Verdict:
        number = self._gate.begin()
        self._tally.sent(len(body))
        verdict, seconds = self._ask(body, now)
        self._gate.judged(number, verdict, size, seconds)
        return verdict

    def _ask(self, body: bytes, now: float) -> tuple[Verdict, float]:
        try:
            reply = self._client.bulk(body)
        except Unreachable as error:
            self._tally.answered(None, 0.0)
            return Again(str(error), answered=False), 0.0
        self._tally.answered(reply.status, reply.seconds)
        self._asked = backoff.retry_after(reply.retry_after, now)
        return judge(reply.status, reply.body, len(self._parcel.items)), reply.seconds

    def _finish(self, now: float) -> None:
        parcel, outcome = self._parcel, self._outcome
        outcome.delivered, outcome.duplicates = parcel.delivered, parcel.duplicates
        cut = len(parcel.shortened - {refusal.item for refusal in parcel.dead})
        self._tally.cut(cut)
        self._trouble.cut(cut, now)
        if parcel.dead:
            found = self._pairs([refusal.item for refusal in parcel.dead])
            outcome.dead = letters(self._trouble.name, outcome.seq, parcel.dead, found, now)
            self._tally.died(len(parcel.dead))
            self._trouble.refused(len(parcel.dead), f"{parcel.dead[0].status} {parcel.dead[0].kind}", now)
        self._proven = parcel.accepted
        self._frames.finish(outcome)
        self._drop()


def _answered(verdict: Again | Fault) -> bool:
    return isinstance(verdict, Fault) or verdict.answered

"""One worker: takes the next frame, sends it and what must be sent again, and hands its outcome to the window.

`step(now)` sends one request at most and returns how long to wait before the next step. It holds one frame at a time.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from logagent.model import Frame
from logagent.ship import backoff
from logagent.ship.body import pack, pairs, sound, unpack
from logagent.ship.bulk import Again, Fault, Items, Split, Verdict, judge
from logagent.ship.deadletter import letters
from logagent.ship.elastic import Elastic, Unreachable
from logagent.ship.parcel import Parcel
from logagent.ship.tally import Tally
from logagent.ship.trouble import Trouble
from logagent.ship.window import Outcome

REACH = "Check that Elasticsearch or OpenSearch runs there, and the output's url"
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
    """Ships frames of `frames` to `client`. `random` gives numbers in [0, 1); waits lie between `shortest` and `longest` seconds."""

    def __init__(
        self,
        frames: Frames,
        client: Elastic,
        tally: Tally,
        trouble: Trouble,
        *,
        shortest: float,
        longest: float,
        random: Callable[[], float],
    ) -> None:
        self._frames, self._client = frames, client
        self._tally, self._trouble = tally, trouble
        self._shortest, self._longest, self._random = shortest, longest, random
        self._attempt, self._proven = 0, False
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
        body = self._member if self._parcel.whole else self._part()
        answer = self._post(body, now)
        if isinstance(answer, Again | Split) and self._damaged():
            return 0.0
        verdict = self._parcel.apply(answer)
        if isinstance(verdict, Items):
            return self._weigh(verdict, now)
        if isinstance(verdict, Split):
            return 0.0
        sentence = f"{self._client.url} answered {verdict.reason}" if _answered(verdict) else verdict.reason
        if isinstance(verdict, Fault):
            return self._later(sentence, verdict.advice, now, paused=True)
        return self._later(sentence, LATER if verdict.answered else REACH, now)

    def _weigh(self, verdict: Items, now: float) -> float:
        self._tally.sorted(verdict)
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

    def _part(self) -> bytes:
        """The body of a request for some of the frame's items."""
        return pack(list(self._pairs(self._parcel.items).values()))

    def _pairs(self, items: Sequence[int]) -> dict[int, bytes]:
        self._plain = self._plain or unpack(self._member)[0]
        return pairs(self._plain, items)

    def _post(self, body: bytes, now: float) -> Verdict:
        sent = len(self._parcel.items)
        self._tally.sent(len(body))
        try:
            reply = self._client.bulk(body)
        except Unreachable as error:
            self._tally.answered(None, 0.0)
            return Again(str(error), answered=False)
        self._tally.answered(reply.status, reply.seconds)
        self._asked = backoff.retry_after(reply.retry_after, now)
        return judge(reply.status, reply.body, sent)

    def _finish(self, now: float) -> None:
        parcel, outcome = self._parcel, self._outcome
        outcome.delivered, outcome.duplicates = parcel.delivered, parcel.duplicates
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

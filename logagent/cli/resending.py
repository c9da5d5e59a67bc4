"""Sending again, as the verbs do it that ask for it: driven until all is done or the output fails, watched on a terminal.

What was sent is told at the end, on stdout; how it goes is told on stderr: as a bar on a terminal, elsewhere as a line now and
then. An output that is paused, or that fails without progress for a while, ends it: what is left is left as it was.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from logagent.errors import Exit, Failure

if TYPE_CHECKING:
    from logagent.config.settings import Output, Settings
    from logagent.ship.carrier import Carrier
    from logagent.ship.resend import Account, Resend

TICK = 0.05  # seconds between two looks
PATIENCE = 30.0  # seconds without progress after which an output that fails is given up
PLAIN_EVERY = 5.0  # seconds between two lines where there is no terminal
STOP_WITHIN = 5.0  # seconds that requests under way get at the end
INTERRUPTED = 130

Show = Callable[[int, str], None]
"""Called with how much is done, and what hinders the rest."""


def chosen_output(settings: "Settings", name: str | None, advice: str) -> "Output":
    """The output called `name`, or the only one. Raises Failure(USAGE)."""
    names = [output.name for output in settings.outputs]
    if name is None and len(names) == 1:
        return settings.outputs[0]
    if name in names:
        return settings.outputs[names.index(name)]
    what = f"there is no output {name!r} in the settings" if name else f"there are {len(names)} outputs in the settings"
    listed = f" (they have {', '.join(names)})" if name and names else f": {', '.join(names)}" if names else ""
    raise Failure(f"{what}{listed}: {advice}", Exit.USAGE)


def send(resend: "Resend", output: "Output", settings: "Settings", total: int, what: str) -> tuple[int, str]:
    """Send everything in `resend` to `output`, shown as `what`. Returns the exit status and why it ended early, if it did.

    Raises what the loads raised.
    """
    from logagent import parts

    store: Any = resend  # it answers all that is asked of a store while frames are sent
    carrier = parts.carrier(store, output, settings)
    with _quiet(), _watched(total, what) as show:
        try:
            why = drive(resend, carrier, show)
        except KeyboardInterrupt:
            return INTERRUPTED, "interrupted"
        finally:
            carrier.stop(STOP_WITHIN)
            carrier.client.close()
    if resend.error is not None:
        raise resend.error
    return (Exit.NETWORK, why) if why else (Exit.NO if resend.account.dead else Exit.OK, "")


def drive(
    resend: "Resend",
    carrier: "Carrier",
    show: Show,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Run `carrier` until all of `resend` is done. Returns why it was given up; empty when it was not."""
    carrier.start()
    seen, since = -1, clock()
    while not resend.done:
        sleep(TICK)
        resend.pulse()
        show(resend.account.weight, carrier.last_error)
        if resend.account.weight != seen or not carrier.last_error:
            seen, since = resend.account.weight, clock()
        if carrier.paused or clock() - since > PATIENCE:
            return carrier.paused or carrier.last_error
    show(resend.account.weight, "")
    return ""


def summary(name: str, account: "Account", why: str, left: str) -> str:
    """Say what became of what was sent to output `name`; `why` it ended early, and what of the rest is `left`."""
    from logagent.cli.human import clean, count

    new = account.delivered - account.duplicates
    became = f"{new:,} new, {account.duplicates:,} there already, {account.dead:,} refused"
    lines = [f"{name}: {count(account.sent, 'event')} sent again: {became}."]
    lines += [f"  refused: {number:,} x {clean(kind)}" for kind, number in account.refused.most_common(10)]
    if why:
        lines.append(f"{name}: not everything was sent ({clean(why)}). {left}")
    return "\n".join(lines)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the agent's sentences on troubles out of it: they are shown beside the bar, and speak of an agent."""
    log = logging.getLogger("logagent.ship")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def _watched(total: int, what: str) -> Iterator[Show]:
    if not sys.stderr.isatty():
        yield _lines(total, what, time.monotonic)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done, wrong: progress.update(
            task, completed=min(done, total), description=f"{what} (waiting: {wrong})" if wrong else what
        )


def _lines(total: int, what: str, clock: Callable[[], float]) -> Show:
    told = clock()

    def show(done: int, wrong: str) -> None:
        nonlocal told
        if clock() - told >= PLAIN_EVERY:
            told = clock()
            share = 100 * min(done, total) // max(1, total)
            click.echo(f"{what}: {done:,} of {total:,} ({share} %){f', waiting: {wrong}' if wrong else ''}", err=True)

    return show

"""Real agents in processes of their own that may be killed at any moment: one process imports everything once, and forks each life.

Run as a program it takes as its argument a JSON object: `settings` (dotted keys, as flags are), and before the lives begin
`files` (limit of open files) and `user` (uid to become). Each line on its input begins a life, whose pid it prints; when a life
has ended it prints how, negative for a signal.
"""

import codecs
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, Self

ROOT = Path(__file__).parents[2]
PR_SET_PDEATHSIG = 1


class Lives:
    """Lives of an agent with these settings, one after the other. Use it as a context; what still lives is killed at its end."""

    def __init__(self, log: Path, settings: dict[str, Any], **limits: int) -> None:
        self.log = log
        with log.open("ab") as output:
            self._program = subprocess.Popen(
                [sys.executable, "-m", "tests.scenarios.lives", json.dumps({"settings": settings, **limits})],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=ROOT,
                text=True,
                bufsize=1,
            )
        self._pid = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pid:
            self.kill()
        self._program.communicate(timeout=30)

    def begin(self) -> None:
        """Begin the next life."""
        print(file=self._program.stdin)
        self._pid = int(self._answer(30.0))

    def wait(self, seconds: float) -> None:
        """Let it live for a while; it may not end by itself."""
        assert not self._says(seconds), self.log.read_text()[-3000:]

    def kill(self) -> None:
        """End it without warning."""
        pid, self._pid = self._pid, 0
        os.kill(pid, signal.SIGKILL)
        assert "-9" == self._answer(30.0)

    def _answer(self, seconds: float) -> str:
        assert self._says(seconds), self.log.read_text()[-3000:]
        return self._output.readline().strip()

    def _says(self, within: float) -> bool:
        return bool(select.select([self._output], [], [], within)[0])

    @property
    def _output(self) -> IO[str]:
        assert self._program.stdout is not None
        return self._program.stdout


def main(settings: dict[str, Any], files: int = 0, user: int = 0) -> None:
    """Begin a life for each line that comes."""
    from logagent import agent  # noqa: F401 - imported once, for all lives, and as long as it may be read
    from logagent.config import load  # noqa: F401 - the same

    codecs.lookup("ascii")  # the same

    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            live(settings)
        print(child, flush=True)  # noqa: T201 - this is how it answers
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201 - the same


def live(settings: dict[str, Any]) -> None:
    """Be an agent until the end, which comes from outside, or with whoever began this."""
    from logagent.agent import Agent
    from logagent.config.load import load

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    agent = Agent(load(None, {}, settings))
    agent.start()
    signal.pause()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))

"""What the running agent says hinders it: it is asked at /readyz, since nothing on disk tells why an output is paused.

Another agent may listen at that address, or another program: only an answer that names the store in question counts.
"""

import http.client

from logagent.cli.human import clean
from logagent.web.health import WHOSE

TIMEOUT = 2.0  # seconds: whoever asks for the status waits for it
MOST = 4096  # bytes of an answer that are read


def hindrance(host: str, port: int, store: str) -> tuple[str, ...]:
    """The sentence that the agent of `store` answers at `host`:`port` when it is not ready; nothing when it is, or cannot be asked."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = clean(answer.read(MOST).decode(errors="replace").strip())
    except (OSError, http.client.HTTPException, UnicodeError):
        return ()
    finally:
        connection.close()
    ours = bool(store) and answer.getheader(WHOSE) == store
    return (said,) if said and ours and answer.status == http.client.SERVICE_UNAVAILABLE else ()

"""Where `scripts/install-test-servers` puts the real servers, in the same words as that script."""

import os
from pathlib import Path

FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "logagent-tests"
HOW = "run ./scripts/install-test-servers as root (it needs Debian's packages and Maven Central)"

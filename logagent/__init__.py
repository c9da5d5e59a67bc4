"""logagent: collects, stores and ships the logs of a Docker host's containers, each line exactly once."""

__version__ = "0.1.0"

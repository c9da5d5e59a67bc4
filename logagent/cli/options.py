"""Options that several verbs share."""

from pathlib import Path

import click

settings_file = click.option(
    "--config",
    "-c",
    "file",
    type=click.Path(path_type=Path),
    envvar="LOGAGENT_CONFIG",
    help="Settings file; else LOGAGENT_CONFIG, else /etc/logagent/logagent.yaml if there is one.",
)

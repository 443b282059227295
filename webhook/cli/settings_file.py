"""A settings file as a flag of commands that work on files."""

from __future__ import annotations

from pathlib import Path

from webhook.cli.output import read_input
from webhook.errors import escape, quote_path
from webhook.injection.envfile import good_settings
from webhook.injection.settings import Settings


def given_settings(path: Path | None) -> Settings | None:
    """The settings in the file at `path`, where one is given.

    Raises:
        InputError, SettingsError: it cannot be read, or is broken.
    """
    if path is None:
        return None
    text = read_input(str(path))
    return good_settings(text, name=f"settings file {quote_path(path)}", source=f"file {escape(path.name)}")

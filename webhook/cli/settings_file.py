"""Settings from a file, for commands that read them once."""

from __future__ import annotations

from pathlib import Path

from webhook.cli.output import read_input
from webhook.errors import escape, quote_path
from webhook.injection.envfile import good_settings
from webhook.injection.settings import Settings


def settings_file(path: Path) -> Settings:
    """The settings of a file.

    Raises:
        InputError: it cannot be read. SettingsError: a line or key is wrong.
    """
    text = read_input(str(path))
    return good_settings(text, name=f"settings file {quote_path(path)}", source=f"file {escape(path.name)}")


def given_settings(path: Path | None) -> Settings | None:
    """The same, where a file is given."""
    return None if path is None else settings_file(path)

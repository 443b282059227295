"""Settings from a file, without a cluster: read at the start, and again whenever its content changes."""

from __future__ import annotations

from pathlib import Path

from webhook.errors import SettingsError, escape, quote_path
from webhook.injection.envfile import good_settings
from webhook.injection.settings import Settings
from webhook.server.files import read_regular_file


class SettingsFile:
    """One settings file.

    The content is compared and not the time of change: it is small, and a mounted ConfigMap is changed by swapping
    symbolic links.
    """

    def __init__(self, path: Path) -> None:
        """Read nothing yet."""
        self.path = path
        self._seen: bytes | str | None = None

    def read_if_changed(self) -> Settings | None:
        """The settings, or None where the content is that of the last call (good or bad).

        Raises:
            SettingsError: the new content cannot be read or is broken; told once, until it changes again.
        """
        content = read_regular_file(self.path)
        if content == self._seen:
            return None
        self._seen = content
        if isinstance(content, str):
            raise SettingsError(
                f"settings file {quote_path(self.path)} cannot be read ({content})", fix="give a readable file"
            )
        return self._parse(content)

    def _parse(self, content: bytes) -> Settings:
        name = f"settings file {quote_path(self.path)}"
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            number = content.count(b"\n", 0, error.start) + 1
            raise SettingsError(f"{name}, line {number} is not UTF-8", fix="write it as text in UTF-8") from None
        # The source is shown in the status JSON of every pod, and a file's name may be bytes that are no text.
        return good_settings(text, name=name, source=f"file {escape(self.path.name)}")

"""The entry point ``ray-webhook``: says it in one line where the wheel is installed without its extra ``server``.

Until the libraries of that extra are known to be there, nothing outside the standard library may be imported.
"""

from __future__ import annotations

import sys

from webhook.errors import UsageError


def main() -> None:
    """Run the command line and end the process; its exit status is in :mod:`webhook.cli.main`."""
    try:
        from webhook.cli.main import main as run

        run()
    except ModuleNotFoundError as missing:
        sys.exit(_told(missing))
    except KeyboardInterrupt:
        sys.exit(130)


def _told(missing: ModuleNotFoundError) -> int:
    library = str(missing.name).partition(".")[0]
    if library in ("webhook", "ray_config"):
        raise missing
    error = UsageError(f"the library {library} of the extra server is missing", fix="pip install 'ray-webhook[server]'")
    print(f"ray-webhook: {error}", file=sys.stderr)  # noqa: T201  click may be what is missing
    return error.exit_status


if __name__ == "__main__":
    main()

"""The command line `gadet`: results on stdout, everything else on stderr."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; without its packages say what to install."""
    try:
        from gadet.cli.app import app
    except ImportError as error:
        if error.name not in ("typer", "tqdm"):
            raise
        print(
            f"The command line needs the `{error.name}` package: pip install 'gadet[cli]'",
            file=sys.stderr,
        )
        sys.exit(1)
    app()

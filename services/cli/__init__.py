"""The `tagwire` command: `app` puts together a module for each family of sub-commands."""

from services.cli.app import main

__all__ = ["main"]

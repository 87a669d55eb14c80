"""The command line: one small file a verb, imported only when it is called."""

import os
import signal
import sys
from importlib import import_module
from typing import Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from tilecppn.cli.terminal import write_line
from tilecppn.errors import TilecppnError
from tilecppn.version import VERSION

# Verb → one line for `tilecppn --help`; the verb's file has the rest.
VERBS = {
    "render": "Render a scene into a Zarr store, with all levels; run again to resume.",
    "export": "Export a store: a Deep Zoom pyramid with its page, other pyramids, or one file.",
    "preview": "Draw one small image of a scene, at once.",
    "gallery": "Draw a scene with many seeds on one labelled sheet.",
    "animate": "Render a film of a timeline, or of a scene with a ready move.",
    "plan": "Say what a render will take, and whether it fits.",
    "status": "Say what of a store is done.",
    "verify": "Find every damaged or missing shard of a store; repair it.",
    "train": "Train a CPPN on small images: GAN, VAE or both.",
    "encode": "Find an image's latent with a trained model.",
    "morph": "Morph through pictures of a trained model, as a GIF.",
    "fit": "Fit a CPPN to one picture.",
    "view": "Serve an export on this machine, for a browser.",
    "info": "Show what a file, folder or store is: size, scene, version.",
    "presets": "List the presets, activations and palettes.",
}


class Verbs(click.Group):
    """Loads a verb's file when it is called, and turns errors into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command = import_module(f"tilecppn.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from tilecppn.names import suggestion

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise click.UsageError(f'unknown verb "{args[0]}"; {suggestion(VERBS, args[0])}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # From the table, so that help imports no verb.
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            _misused(error)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            value = super().invoke(ctx)
            if _is_held_by_ray():
                _end(0)
            return value
        except click.UsageError as error:
            _misused(error)
        except TilecppnError as error:
            _fail(str(error), error.exit_code)
        except KeyboardInterrupt as error:  # Interrupted says what is kept
            _fail(str(error) or "stopped", 130)
        except BrokenPipeError:
            raise
        except MemoryError:
            _fail("out of memory; tilecppn plan says what a render needs", 1)
        except OSError as error:
            _fail(f"{error.filename or ''}: {error.strerror or error}".lstrip(": "), 1)


def _misused(error: click.UsageError) -> NoReturn:
    if isinstance(error, NoArgsIsHelpError):
        raise error
    words = error.format_message().removesuffix(".")
    verb = error.ctx or click.get_current_context()
    _fail(f"{words} (see {verb.command_path} --help)", error.exit_code)


def _fail(message: str, code: int) -> NoReturn:
    write_line(f"error: {' '.join(message.split())}")
    # Interrupted in its start, Ray's clean-up at exit takes seconds or aborts.
    if (code == 130 and "ray" in sys.modules) or _is_held_by_ray():
        _end(code)
    sys.exit(code)


def _is_held_by_ray() -> bool:
    """Whether Ray answers no more: an exit in good order would hang or crash."""
    module = sys.modules.get("tilecppn.run.executors.ray")
    return module is not None and module.given_up.is_set()


def _end(code: int) -> NoReturn:
    """End at once; Ray's processes end by themselves when this one is gone."""
    sys.stdout.flush()
    os._exit(code)


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="tilecppn")
def main() -> None:
    """Draw CPPN pictures of any size: gigapixel prints, deep-zoom pages, films.

    \b
    tilecppn render poster.toml -o poster.zarr
    tilecppn export poster.zarr poster.dzi
    """
    if hasattr(signal, "SIGTERM"):
        signal.signal(signal.SIGTERM, _terminated)


def _terminated(signum: int, frame: object) -> None:
    raise KeyboardInterrupt

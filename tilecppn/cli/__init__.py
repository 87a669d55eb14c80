"""The command line: one file for each command, imported only when the command is called."""

import errno
import os
import sys
from importlib import import_module
from typing import Any, NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from tilecppn.cli.signals import stop_on_signals
from tilecppn.cli.terminal import make_printable, write_line
from tilecppn.errors import TilecppnError, naming_options
from tilecppn.version import VERSION

# Command → one line for `tilecppn --help`; the command's file has the rest.
COMMANDS = {
    "render": "Render a scene into a Zarr store; run it again to resume.",
    "export": "Export a store: a page you can zoom into, another pyramid, or one image.",
    "preview": "Draw a small image of a scene.",
    "gallery": "Draw a sheet of small images with different seeds.",
    "shader": "Write a page that draws a scene on its viewer's GPU, or its GLSL or WGSL.",
    "animate": "Render a film from a timeline, or from a scene with a ready-made move.",
    "plan": "Estimate what a render takes, and whether it fits.",
    "status": "Show how much of a store is finished.",
    "verify": "Find damaged or missing shards of a store, and repair them.",
    "train": "Train a CPPN on small images: GAN, VAE or both.",
    "encode": "Find the latent of an image with a trained model.",
    "morph": "Morph between pictures of a trained model, as a GIF.",
    "fit": "Fit a CPPN to one image.",
    "view": "Look at a scene, a store or an export in your browser.",
    "studio": "Find pictures by looking: variations, controls, history, in your browser.",
    "info": "Show what a file, folder or store is: size, scene, version.",
    "presets": "List the presets, activations and colour maps.",
}


# Optional libraries → the extra that installs them.
EXTRAS = {"torch": "torch", "matplotlib": "train", "sklearn": "train"}
_NO_MEMORY = "out of memory; a smaller --batch or --width takes less"
# Part of a RuntimeError's text → what is lacking. The last two are torch's.
_LACKS = {
    "start new thread": "no more threads: raise the limit of processes or memory (ulimit -a)",
    "CUDA out of memory": _NO_MEMORY,
    "can't allocate memory": _NO_MEMORY,
}


class Commands(click.Group):
    """A group that imports commands when they are called, and prints errors as one line."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the arguments of the process and run the command."""
        make_printable(sys.stdout)
        with naming_options():
            return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command; None if it is unknown."""
        if name not in COMMANDS:
            return None
        command = import_module(f"tilecppn.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of `args`; for an unknown one, suggest the nearest."""
        from tilecppn.suggestions import suggestion

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(
                f'unknown command "{args[0]}"; {suggestion(COMMANDS, args[0])}', ctx
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        # From the table, so that --help imports no command.
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments; exit with one line if they are wrong."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            _misused(error)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; on an error exit with one line and its exit code."""
        try:
            value = super().invoke(ctx)
            if _is_held_by_ray():
                _end(0)
            return value
        except click.UsageError as error:
            _misused(error, ctx)
        except TilecppnError as error:
            _fail(str(error), error.exit_code)
        except KeyboardInterrupt as error:  # the text of Interrupted says what is kept
            _fail(str(error) or "stopped", 130)
        except BrokenPipeError:
            raise
        except ModuleNotFoundError as error:
            if error.name not in EXTRAS:
                raise
            needed = f'pip install "tilecppn[{EXTRAS[error.name]}]"'
            _fail(f"this needs {error.name}, which is not installed: {needed}", 2)
        except MemoryError:
            _fail("out of memory; tilecppn plan shows what a render needs", 1)
        except RuntimeError as error:
            lack = next((why for words, why in _LACKS.items() if words in str(error)), None)
            if lack is None:
                raise
            _fail(lack, 1)
        except OSError as error:
            from tilecppn.filesystem import error_text

            if isinstance(error, FileNotFoundError) and error.filename is None:  # of os.getcwd
                _fail("the current folder was deleted; go to another", 2)
            _fail(error_text(error), 2 if _is_refused(error) else 1)


def _is_refused(error: OSError) -> bool:
    """Return whether an error means exit code 2: an impossible path, or no access to a bucket.

    Once work has begun, these are raised as a RenderError instead.
    """
    from tilecppn.addresses import is_address

    if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
        return True
    denied = isinstance(error, PermissionError | FileNotFoundError)
    return denied and is_address(str(error.filename))


def _misused(error: click.UsageError, group: click.Context | None = None) -> NoReturn:
    """Exit with one line that says what is wrong with the arguments."""
    if isinstance(error, NoArgsIsHelpError):
        raise error
    words = error.format_message().removesuffix(".")
    path = (error.ctx or click.get_current_context()).command_path
    if error.ctx is None and group is not None and group.invoked_subcommand:
        path = f"{group.command_path} {group.invoked_subcommand}"
    _fail(f"{words} (see {path} --help)", error.exit_code)


def _fail(message: str, code: int) -> NoReturn:
    """Print one line to stderr and exit."""
    write_line(f"error: {' '.join(message.split())}")
    # If Ray was interrupted while starting, it takes seconds to clean up at exit, or aborts.
    if (code == 130 and "ray" in sys.modules) or _is_held_by_ray():
        _end(code)
    sys.exit(code)


def _is_held_by_ray() -> bool:
    """Return whether Ray has stopped answering, so that an orderly exit would hang or crash."""
    module = sys.modules.get("tilecppn.run.executors.ray")
    return module is not None and module.stuck.is_set()


def _end(code: int) -> NoReturn:
    """Exit without cleanup; Ray's processes end by themselves when this one is gone."""
    sys.stdout.flush()
    os._exit(code)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="tilecppn")
@click.pass_context
def main(context: click.Context) -> None:
    """Draw CPPN pictures of any size: gigapixel prints, deep-zoom pages, films.

    \b
    tilecppn render poster.toml -o poster.zarr
    tilecppn export poster.zarr poster.dzi
    """
    context.obj = context.with_resource(stop_on_signals())

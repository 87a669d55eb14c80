"""The help of every command."""

import re

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import ok
from tilecppn.cli import COMMANDS
from tilecppn.exporters.export import EXPORTERS, LAYOUTS
from tilecppn.film.encoding.codecs import ANIMATIONS, CODECS, CONTAINERS


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_commands_help_shows_an_example(command: str, option: str, cli: Cli) -> None:
    text = ok(cli(command, option))
    assert text.startswith(f"Usage: tilecppn {command} ")
    lines = [line.strip() for line in text.splitlines()]
    assert any(line.startswith(f"tilecppn {command}") for line in lines)


def test_exports_help_lists_every_suffix_and_layout(cli: Cli) -> None:
    words = set(re.split(r"[\s,]+", ok(cli("export", "--help"))))
    assert words >= {*EXPORTERS, *LAYOUTS}


def test_animates_help_lists_every_suffix_and_codec(cli: Cli) -> None:
    text = ok(cli("animate", "--help"))
    for suffix, container in CONTAINERS.items():
        assert re.search(rf"^  {suffix} +{', '.join(container.codecs)}$", text, re.MULTILINE)
    for name in (*ANIMATIONS, *CODECS):
        assert re.search(rf"^  {name} +\S", text, re.MULTILINE)


def test_help_lists_every_command_of_the_contract_so_far(cli: Cli) -> None:
    text = ok(cli("--help"))
    listed = text.partition("Commands:")[2]
    commands = {"render", "export", "preview", "plan", "status", "verify", "view", "presets"}
    assert set(COMMANDS) >= commands
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S", listed, re.MULTILINE)
    assert any(line.strip().startswith("tilecppn render") for line in text.splitlines())


def test_version_is_the_packages(cli: Cli) -> None:
    from tilecppn import __version__

    assert ok(cli("--version")) == f"tilecppn, version {__version__}\n"


def test_without_a_command_help_is_shown(cli: Cli) -> None:
    result = cli()
    assert result.exit_code == 2
    assert "Commands:" in result.output


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["gallery", "a.toml", "--presets"], "gallery"),  # an option without its argument
        (["gallery", "a.toml", "--nosuch"], "gallery"),
        (["presets", "extra"], "presets"),
    ],
)
def test_wrong_usage_leads_to_the_help_of_its_command(
    cli: Cli, arguments: list[str], command: str
) -> None:
    done = cli(*arguments)
    assert done.exit_code == 2
    assert done.stderr.endswith(f"(see tilecppn {command} --help)\n")

"""The parser of every command; wrong usage is told in the form of every other error."""

from __future__ import annotations

import argparse
import difflib
import importlib
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from registry.core.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

NOUNS = {  # modules of registry.cli.commands in the help's order, and the commands that each adds
    "service": ("demo", "serve", "worker"),
    "content": ("import", "fetch", "show", "export", "lookup", "lineage", "audit", "withdraw"),
    "images": ("images",),
    "snapshots": ("snapshot",),
    "runs": ("train", "runs"),
    "releases": ("release", "plans", "predict"),
    "names": ("name", "profile"),
    "keys": ("keys",),
    "anchors": ("anchor",),
    "proofs": ("prove", "verify"),
    "witnessing": ("log", "witness"),
    "following": ("follow", "unfollow"),
    "access": ("token", "accounts", "writes"),
    "upkeep": ("store", "catalog", "doctor"),
    "backups": ("backup", "restore"),
}
_CHOICE = re.compile(r"argument (.+?): invalid choice: '?(.*?)'? \(choose from (.*)\)", re.DOTALL)
_REQUIRED = re.compile(r"the following arguments are required: (.*)", re.DOTALL)
_TAKES = re.compile(r"argument (.+?): takes (.*)", re.DOTALL)
_NUMBER = re.compile(r"argument (.+?): invalid \S+ value: (.*)", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """argparse, whose complaints are ``UsageError`` with a hint instead of text on stderr.

    ``more_options`` is given the arguments before they are parsed, and adds the options that depend on them.
    """

    more_options: Callable[[argparse.ArgumentParser, Sequence[str]], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's."""
        if self.more_options is not None:
            more, self.more_options = self.more_options, None
            more(self, args or ())
        found: Any = super().parse_known_args(args, namespace)
        return found

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong, in our words."""
        sentence, hint = self._worded(message)
        raise UsageError(sentence, hint=hint)

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help; argparse's own keeps a full disk to itself."""
        print(self.format_help(), end="", file=file)

    def _worded(self, message: str) -> tuple[str, str]:
        see = f"`{self.prog} --help` lists what it takes."
        if found := _CHOICE.match(message):
            return self._choice(*found.groups())
        if found := _REQUIRED.match(message):
            if found[1] in {"VERB", "COMMAND"}:
                return f"{self.prog} needs a verb: {', '.join(self._verbs())}", see
            return f"{self.prog} needs {found[1]}", see
        if found := _TAKES.match(message):
            return f"{found[1]} takes {found[2]}", see
        if found := _NUMBER.match(message):
            return f"{found[1]} takes a whole number, not {found[2]}", see
        return message.removeprefix("argument "), see

    def _choice(self, what: str, given: str, listed: str) -> tuple[str, str]:
        if what in {"COMMAND", "VERB"}:
            return f"there is no command `{self.prog} {given}`", self.near(given, self._verbs())
        options = [one.strip().strip("'") for one in listed.split(",")]
        return f"{what} can't be {given!r}", f"choose one of {', '.join(options)}."

    def _verbs(self) -> list[str]:
        return [name for action in self._actions for name in action.choices or () if isinstance(name, str)]

    def near(self, given: str, known: Sequence[str]) -> str:
        """The hint for a word that is not known: what comes near it, and where all stand."""
        found = difflib.get_close_matches(given, known, 1, 0.6)
        meant = f"did you mean `{found[0]}`? " if found else ""
        return f"{meant}`{self.prog} --help` lists all."

    def check_not_blank(self, wanted: argparse.Namespace) -> None:
        """``UsageError`` for a value that is blank: what an unset variable leaves must not mean "all" or "here"."""
        for action in self._actions:
            value = getattr(wanted, action.dest, None)
            if any(isinstance(one, str) and not one.strip() for one in (value if isinstance(value, list) else [value])):
                name = action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)
                optional = "" if action.required else ", or leave it out"
                raise UsageError(f"{name} is blank", hint=f"give it a value{optional}.")

    def options(self) -> list[str]:
        """Every option that this command takes."""
        return [name for action in self._actions for name in action.option_strings if name.startswith("--")]


def build_parser(command: str | None = None) -> Parser:
    """The parser of every command; each sets ``command`` to what runs it and ``parser`` to what parsed it.

    Where ``command`` is one of them, it alone is sure to be there: no module is loaded for others.
    """
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON documents on stdout")
    common.add_argument("--quiet", action="store_true", help="print ids alone, no progress")
    parser = Parser(
        prog="emotionet",
        description="A registry of labeled images and of the models trained on them, that anyone can audit.",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    asked = [noun for noun, added in NOUNS.items() if command in added]
    for noun in asked or NOUNS:
        importlib.import_module(f"registry.cli.commands.{noun}").add_commands(commands, common)
    return parser


def parse(parser: Parser, given: Sequence[str]) -> argparse.Namespace:
    """What was typed, parsed; ``UsageError`` names what is not known, with the command's own help."""
    parsed: tuple[argparse.Namespace, list[str]] = parser.parse_known_args(given)
    wanted, rest = parsed
    if rest:
        chosen: Parser = getattr(wanted, "parser", parser)
        name = rest[0].partition("=")[0]
        if name.startswith("-"):
            raise UsageError(f"`{chosen.prog}` has no option {name}", hint=chosen.near(name, chosen.options()))
        said = " ".join(rest)
        raise UsageError(f"`{chosen.prog}` doesn't know what to do with {said!r}", hint=chosen.near(name, ()))
    getattr(wanted, "parser", parser).check_not_blank(wanted)
    return wanted

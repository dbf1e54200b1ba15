"""The command line: ``dreamlearning compress | info | verify | extract | condense | report | bench | demo``.

In: arguments. Out: results on stdout, and errors as one line on stderr. Exit codes: 0; 1 for a damaged or
differing file; 2 for bad input or usage; 130 when interrupted.
"""

import contextlib
import os
import sys
from typing import Any

import click

from .. import __version__
from ..errors import CorruptFileError, DreamlearningError
from .bench import bench
from .compress import compress
from .condense import condense
from .demo import demo
from .extract import extract
from .info import info
from .report import report
from .verify import DifferentError, verify

__all__ = ["main"]

# What bad input raises; anything else is a bug and keeps its traceback.
_EXPECTED = (DreamlearningError, OSError, ImportError, ValueError, IndexError)


class _Group(click.Group):
    """A group whose expected errors are one line, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # click would print an empty line first
            _fail("interrupted", 130)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(2)
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else "dreamlearning"
            _fail(f"{error.format_message()} (see '{command} --help')", 2)
        except click.ClickException as error:
            _fail(error.format_message(), 2)
        except click.Abort:
            _fail("interrupted", 130)
        except BrokenPipeError:
            # The reader of our output has gone; nothing more can be said to it.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except (CorruptFileError, DifferentError) as error:
            _fail(str(error), 1)
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            _fail(f"{name}{error.strerror or error}", 2)
        except _EXPECTED as error:
            _fail(str(error), 2)
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> None:
    click.echo(f"dreamlearning: error: {' '.join(message.splitlines())}", err=True)
    sys.exit(code)


@click.group(cls=_Group)
@click.version_option(__version__, prog_name="dreamlearning")
def main() -> None:
    """A data set becomes one .gede file: smaller, bit-exact, any sample at random.

    \b
    dreamlearning compress sklearn:digits digits.gede
    dreamlearning info digits.gede
    dreamlearning verify digits.gede --source sklearn:digits
    dreamlearning extract digits.gede digits.npz
    dreamlearning bench digits.gede
    dreamlearning condense housing.gede --size 92 -o small.npz
    dreamlearning report housing.gede
    """


for _command in (compress, info, verify, extract, condense, report, bench, demo):
    main.add_command(_command)

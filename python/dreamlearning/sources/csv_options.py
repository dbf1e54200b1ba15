"""How a CSV file is to be read: what stands behind the ``?`` of its name.

In: text such as ``text=zip&delimiter=;&encoding=latin-1``. Out: :class:`CsvOptions`, checked, but for
the names of columns.
"""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, quote

from ..errors import SourceError

__all__ = ["CsvOptions"]

_FORM = "FILE.csv?text=COLUMN&text=COLUMN&delimiter=;&encoding=latin-1"
_OTHER_DELIMITERS = {";": ("';'", ";"), "\t": ("a tab", "tab"), "|": ("'|'", "|")}


@dataclass(frozen=True)
class CsvOptions:
    """What a file is read with.

    Attributes:
        text: columns to be read as text.
        delimiter: one character.
        encoding: as Python calls it.
        query: what the options were made from.
        chosen: whether the delimiter was given.
    """

    text: tuple[str, ...] = ()
    delimiter: str = ","
    encoding: str = "utf-8"
    query: str = ""
    chosen: bool = False

    @classmethod
    def parse(cls, path: Path, query: str) -> Self:
        """The options in ``query``; ``path`` is for messages.

        Raises:
            SourceError: it is of another form, or an option or what it is set to is unknown.

        Example:
            >>> options = CsvOptions.parse(Path("x.csv"), "text=zip&delimiter=tab")
            >>> options.text, options.delimiter, options.encoding
            (('zip',), '\\t', 'utf-8')
        """
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        except ValueError as error:
            raise SourceError(f"{path}: {query!r} is not of the form {_FORM}") from error
        once: dict[str, str] = {}
        for key, value in pairs:
            if key not in ("text", "delimiter", "encoding"):
                raise SourceError(f"{path}: there is no option {key!r}; give {_FORM}")
            if key in once:
                raise SourceError(f"{path}: {key} is given twice")
            if key != "text":
                once[key] = value
        return cls(
            tuple(value for key, value in pairs if key == "text"),
            _delimiter(path, once.get("delimiter", ",")),
            _encoding(path, once.get("encoding", "utf-8")),
            query,
            "delimiter" in once,
        )

    def with_text(self, path: Path, column: str) -> str:
        """The SOURCE with which ``column`` is read as text, too."""
        return f"{path}?{self.query}{'&' if self.query else ''}text={quote(column, safe='')}"

    def other_delimiter(self, path: Path, names: list[str]) -> str | None:
        """What to say where the only name of a column looks like several; ``None`` where it does not."""
        if self.chosen or len(names) != 1:
            return None
        found = max(_OTHER_DELIMITERS, key=names[0].count)
        if found not in names[0]:
            return None
        source = f"{path}?{self.query}{'&' if self.query else ''}delimiter="
        what, word = _OTHER_DELIMITERS[found]
        return (
            f"the first line has no comma; if {what} separates its names, give {source}{word} (if it is part "
            f"of the only name: {source},)"
        )


def _delimiter(path: Path, text: str) -> str:
    delimiter = "\t" if text == "tab" else text
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0' or delimiter.isalnum():
        raise SourceError(
            f"{path}: delimiter is {text!r}; give one ASCII character that is no letter, digit or quote, "
            "such as ; or |, or the word tab"
        )
    return delimiter


def _encoding(path: Path, text: str) -> str:
    try:
        "".encode(text)  # an encoding of text, where codecs knows others, too
        return codecs.lookup(text).name
    except (LookupError, ValueError) as error:
        raise SourceError(
            f"{path}: there is no encoding {text!r}; give one that Python knows, such as latin-1, cp1252 or "
            "utf-16"
        ) from error

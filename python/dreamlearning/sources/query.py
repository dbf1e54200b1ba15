"""The options of a SOURCE string: what stands behind its ``?``.

In: text such as ``root=data&split=train``. Out: a dictionary of text, each key once.
"""

from collections.abc import Collection
from urllib.parse import parse_qsl

from ..errors import SourceError

__all__ = ["parse_query"]


def parse_query(query: str, name: str, form: str, known: Collection[str] | None = None) -> dict[str, str]:
    """The options in ``query``.

    Args:
        query: ``key=value&...``, or nothing.
        name: the source, for messages.
        form: what it should look like, for messages.
        known: the keys there are; ``None`` allows all.

    Raises:
        SourceError: it is of another form, has a key twice, or one that is not known.

    Example:
        >>> parse_query("root=data&split=train", "torchvision:MNIST", "root=DIR")
        {'root': 'data', 'split': 'train'}
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise SourceError(f"{name}: {query!r} is not of the form {form}") from error
    options: dict[str, str] = {}
    for key, value in pairs:
        if key in options:
            raise SourceError(f"{name}: {key} is given twice")
        if known is not None and key not in known:
            raise SourceError(f"{name}: there is no option {key!r}; the options are {', '.join(known)}")
        options[key] = value
    return options

"""The shards of a WebDataset: tar archives whose files, grouped by name, are samples.

In: names of shards with braces or globs. Out: samples as dictionaries, extension -> bytes. The library
``webdataset`` expands braces, opens addresses and groups files; the archives are walked here, since a shard
that was cut short or damaged between two files must be an error, and no file that is not asked for is read.
"""

import bz2
import glob
import gzip
import io
import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import SourceError

__all__ = ["list_shards", "read_shard"]

_WEB = ("http://", "https://")
_METADATA = re.compile(r"__[^/]*__($|/)")  # by the library's convention
_COMPRESSED: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_RUN_BYTES = 1 << 16


def list_shards(urls: str | os.PathLike[str] | Iterable[str | os.PathLike[str]], name: str) -> list[str]:
    """All shards that ``urls`` names: a pattern such as ``train-{000..099}.tar`` or ``train-*.tar``, or more.

    Raises:
        SourceError: a file that does not exist, or an address of a kind that is not read.
    """
    from webdataset.shardlists import expand_urls

    if isinstance(urls, (str, os.PathLike)):
        urls = [urls]
    shards: list[str] = []
    for url in urls:
        text = os.fspath(url)
        for shard in [text] if Path(text).is_file() else expand_urls(text):
            if shard.startswith(_WEB) or Path(shard).is_file():
                shards.append(shard)
                continue
            if "://" in shard or shard.startswith("pipe:"):
                raise SourceError(
                    f"{name}: {shard} is neither a file nor http(s); download it, commands are never run"
                )
            matches = sorted(glob.glob(shard, recursive=True))  # noqa: PTH207  # may be absolute
            found = [match for match in matches if Path(match).is_file()]
            if not found:
                raise SourceError(f"{name}: there is no file {shard}")
            shards.extend(found)
    if not shards:
        raise SourceError(f"{name}: names no shards; give a pattern such as train-{{000..099}}.tar")
    return shards


def read_shard(shard: str, wanted: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """The samples of one shard, in order: extension -> bytes, and ``"__key__"``, the name they share.

    Args:
        shard: a path or an address.
        wanted: whether files of an extension are read; of others there is only ``b""``.

    Raises:
        SourceError: the shard cannot be read, is damaged or cut short. The message names it.
    """
    from webdataset.tariterators import group_by_keys

    try:
        with _open(shard) as stream:
            yield from group_by_keys(_files(_unpacked(stream), shard, wanted))
    except SourceError:
        raise
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        what = getattr(error, "strerror", None) or (error.args[0] if error.args else type(error).__name__)
        raise SourceError(f"{shard}: cannot be read as a tar archive: {what}; repair or remove it") from error


@contextmanager
def _open(shard: str) -> Iterator[io.BufferedReader]:
    if not shard.startswith(_WEB):
        with Path(shard).open("rb") as stream:
            yield stream
        return
    from webdataset import gopen

    with gopen(shard) as pipe:  # which looks at the command's exit code when it is closed
        yield pipe.stream


def _unpacked(stream: io.BufferedReader) -> Any:
    """``stream``, decompressed. By itself ``tarfile`` ignores the checksum of a .tar.gz."""
    start = stream.peek(8)
    for magic, reader in _COMPRESSED.items():
        if start.startswith(magic):
            return reader(stream)
    return stream


def _files(stream: IO[bytes], shard: str, wanted: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictMember) as archive:
        for member in archive:
            if not member.isreg() or _METADATA.match(member.name):
                continue
            extension = Path(member.name).name.partition(".")[2].lower()
            content = archive.extractfile(member) if wanted(extension) else None
            yield {"fname": member.name, "data": content.read() if content else b"", "__url__": shard}
            archive.members = []  # type: ignore[attr-defined]  # they would pile up
        rest: Any = archive.fileobj
        while data := rest.read(_RUN_BYTES):
            if data.strip(b"\0"):
                raise SourceError(f"{shard}: goes on after its end; archives that were joined are not read")


class _StrictMember(tarfile.TarInfo):
    """A file in an archive that ends where its end is marked, and nowhere else.

    By itself ``tarfile`` takes a damaged header for the end of the archive.
    """

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> "_StrictMember":
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"cut short or damaged at byte {archive.offset:,}: {error}") from error

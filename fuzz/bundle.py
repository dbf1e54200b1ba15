"""One file for a folder of fuzzing inputs, and back, so that a corpus can be kept in git.

    python fuzz/bundle.py pack fuzz/corpus/open_file       # writes fuzz/corpus/open_file.bundle
    python fuzz/bundle.py unpack fuzz/corpus/open_file     # fills the folder from the bundle

A bundle is every input, in the order of contents, with its length before it as four little-endian bytes.
"""

import hashlib
import sys
from pathlib import Path


def main() -> None:
    """Pack or unpack."""
    action, folder = sys.argv[1], Path(sys.argv[2])
    bundle = folder.with_suffix(".bundle")
    if action == "pack":
        inputs = sorted({path.read_bytes() for path in folder.iterdir()})
        bundle.write_bytes(b"".join(len(data).to_bytes(4, "little") + data for data in inputs))
        print(f"{bundle}: {len(inputs)} inputs, {bundle.stat().st_size:,} bytes")
        return
    folder.mkdir(exist_ok=True)
    data = bundle.read_bytes()
    while data:
        length = int.from_bytes(data[:4], "little")
        one, data = data[4 : 4 + length], data[4 + length :]
        (folder / hashlib.sha1(one, usedforsecurity=False).hexdigest()).write_bytes(one)


if __name__ == "__main__":
    main()

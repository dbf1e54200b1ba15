"""Algorithm 1 at different prices for a deviation bit: the table of docs/algorithm.md.

In: a folder where ``torchvision.datasets.CIFAR10`` finds the data. Out: ``results/split_prices.json``.
Compresses the training set with ``raw``, ``fast`` and ``small``, and hands it to
``benchmarks/rust/prices.rs``.

    python benchmarks/split_prices.py --data data
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import dreamlearning
from common import environment, say, write_result

REPOSITORY = Path(__file__).parent.parent


def main() -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="data", help="root of torchvision's CIFAR10")
    options = parser.parse_args()
    environment_before = environment()
    source = f"torchvision:CIFAR10?root={options.data}&split=train"
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for preset in ("raw", "fast", "small"):
            path = Path(folder) / f"{preset}.gede"
            with dreamlearning.compress(source, path, preset=preset, progress=False) as file:
                info = file.info()
            # What the samples take: neither labels nor metadata, but all that decoding needs.
            parts = ("parameters", "rows", "lengths", "bases")
            used = sum(info["sections"].get(part, 0) for part in parts)
            sizes[preset] = used / info["fields"][0]["bytes"]
            say(f"{preset}: {sizes[preset]:.2%}")
        done = subprocess.run(
            ["cargo", "bench", "--quiet", "--bench", "prices"],
            cwd=REPOSITORY,
            env={
                **os.environ,
                "PRICES_FILE": str(Path(folder) / "raw.gede"),
                "PRICES_SHARE": str(sizes["small"]),
            },
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for row in rows:
        say(f"{row['transform']}, {row['price']}: {row['share_of_raw']:.2%}")
    path = write_result(
        "split_prices",
        {
            "what": "CIFAR-10 train, class by class; bits of samples without labels and checksums",
            "command": "python benchmarks/split_prices.py --data data",
            "environment": environment_before,
            "splits": rows,
            "presets": sizes,
        },
    )
    say(f"wrote {path.name}")


if __name__ == "__main__":
    main()

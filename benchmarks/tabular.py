"""The paper's tabular half: storage, figures, certificates, cost, each beside what one would use instead.

In: the folder of ``california_housing.npz``, ``credit_default.npz`` and ``ijcnn1.npz``; for storage also the
Python of an environment with pyarrow, blosc2 and pcodec (``peers/README.md``). Out: one
``results/tabular_PART.json`` for each part, and ``figures/*.png``. About half an hour on one core.

    python benchmarks/tabular.py --data TABLES --peers-python PEERS/bin/python
    python benchmarks/tabular.py --data TABLES --only figures certificates
    python benchmarks/tabular.py --draw                # the pictures again, from the results
"""

import argparse
import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

from common import environment, say, write_result
from threadpoolctl import threadpool_limits

PARTS = {
    "storage": "what tables take on disk at random access, and random rows a second",
    "figures": "the paper's figures 3, 5a, 5b, 8 and 9: linear regression on condensed samples",
    "accuracy": "the paper's figure 10: logistic regression on condensed samples",
    "certificates": "bounds of the condensed fits against the truth on all rows",
    "cost": "seconds and memory of condensing, on one core",
}
COMMAND = "python benchmarks/tabular.py --data TABLES --only {part}"


def measure(part: str, options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """One part. Imported here, so that drawing needs no scikit-learn."""
    seeds = 1 if options.quick else 10
    if part == "storage":
        import tabular_storage

        return tabular_storage.measure(options.data, work, options.peers_python, quick=options.quick)
    if part == "figures":
        import tabular_figures

        return tabular_figures.measure(options.data, work, seeds, quick=options.quick)
    if part == "accuracy":
        import tabular_accuracy

        return tabular_accuracy.measure(options.data, work, seeds, quick=options.quick)
    if part == "certificates":
        import tabular_certificates

        return tabular_certificates.measure(options.data, seeds, quick=options.quick)
    import tabular_cost

    return tabular_cost.measure(options.data, work, quick=options.quick)


def main() -> None:
    """Measure, write, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=Path("data/tabular"), help="folder of the three .npz files"
    )
    parser.add_argument("--peers-python", help="Python of the environment with pyarrow, blosc2 and pcodec")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="these parts")
    parser.add_argument(
        "--work", type=Path, help="folder for temporary files (2 GB), and for trials' results"
    )
    parser.add_argument("--quick", action="store_true", help="a trial on few rows, sizes and seeds")
    parser.add_argument("--draw", action="store_true", help="only draw the pictures, from the results")
    options = parser.parse_args()
    threadpool_limits(1)
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore", module="sklearn.cluster")  # BIRCH says that it found fewer clusters
    for part in [] if options.draw else options.only:
        say(f"{part}: {PARTS[part]}")
        before = environment()
        command = COMMAND.format(part=part) + (
            " --peers-python PEERS/bin/python" if part == "storage" and options.peers_python else ""
        )
        with tempfile.TemporaryDirectory(dir=options.work, prefix="tabular-") as work:
            found = measure(part, options, Path(work))
        before["load_average_after"] = round(os.getloadavg()[0], 2)
        result = {"what": PARTS[part], "command": command, "environment": before, **found}
        for bar in result.get("bars", []):
            print(f"{bar['verdict']}: {bar['bar']}" + (f" ({bar['value']:.4g})" if "value" in bar else ""))
        if options.quick:
            path = (options.work or Path()) / f"tabular_{part}.json"
            path.write_text(json.dumps(result, indent=2) + "\n")
            say(f"a trial: wrote {path}, and nothing to benchmarks/results")
        else:
            say(f"wrote {write_result(f'tabular_{part}', result).name}")
    if options.quick:
        return
    import tabular_pictures

    for path in tabular_pictures.draw_all():
        say(f"drew {path.name}")


if __name__ == "__main__":
    main()

"""What `automl --help` costs beside bare Python: medians of alternating runs."""

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "bare Python": [sys.executable, "-c", "pass"],
    "automl --help": [sys.executable, "-m", "automl", "--help"],
    "automl fit --help": [sys.executable, "-m", "automl", "fit", "--help"],
}


def main() -> None:
    """Time whole processes and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(args.runs):
        for name, command in COMMANDS.items():
            started = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            seconds[name].append(time.perf_counter() - started)
    medians = {name: round(statistics.median(s), 3) for name, s in seconds.items()}
    print(json.dumps(medians))


if __name__ == "__main__":
    main()

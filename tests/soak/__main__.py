"""`python -m tests.soak --seconds 1800 --seed 1`."""

import argparse
import asyncio
import sys

from tests.soak.soak import describe, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    outcome = asyncio.run(run(options.seconds, options.seed))
    print(describe(outcome))
    return 1 if outcome.faults() else 0


if __name__ == "__main__":
    sys.exit(main())

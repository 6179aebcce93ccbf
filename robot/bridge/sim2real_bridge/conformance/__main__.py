"""The command line of the conformance kit.

What belongs here: arguments, and a bridge that the kit itself starts. What does not: checks (check_*.py).
"""

import argparse
import shlex
import subprocess
import sys

from .. import BridgeError
from ..secure import Secure
from .probe import FailedError
from .table import CHECKS, run
from .trial import Trial


class Started:
    """A bridge as a child process."""

    def __init__(self, command: str):
        self._command = shlex.split(command)
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Starts it."""
        self._process = subprocess.Popen(self._command)

    def kill(self) -> None:
        """Ends it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def main(argv: list[str]) -> int:
    """Runs the checks; 0 when none failed, 1 when one did, 2 when none could be run."""
    parser = argparse.ArgumentParser(
        prog="python -m sim2real_bridge.conformance",
        description="Checks a running bridge against CONTRACT.md. IT MOVES THE ARM, in one check at full speed.",
    )
    parser.add_argument("--broker", default="127.0.0.1:1883", metavar="HOST:PORT")
    parser.add_argument("--robot", required=True, help="name in the topics sim2real/v1/ROBOT/")
    parser.add_argument(
        "--start",
        metavar="COMMAND",
        help="start the bridge so, and kill it and start it again where a check needs that",
    )
    for name in ("--tls-ca", "--tls-cert", "--tls-key", "--user", "--password-file"):
        parser.add_argument(name, help="as a bridge's; the user needs a daemon's rights")
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=f"only these of {', '.join(CHECKS)}")
    args = parser.parse_args(argv)
    if unknown := [name for name in args.checks if name not in CHECKS]:
        print(f"error: check {unknown[0]!r} is unknown: see --help", file=sys.stderr)
        return 2
    return _run(args)


def _run(args: argparse.Namespace) -> int:
    host, _, port = args.broker.rpartition(":")
    life = Started(args.start) if args.start else None
    try:
        if life:
            life.start()
        who = Secure(args.tls_ca, args.tls_cert, args.tls_key, args.user, args.password_file)

        def connect(client):
            who.apply(client)
            client.connect(host, int(port))

        trial = Trial(connect, args.robot, life)
        results = run(trial, args.checks or CHECKS)
        trial.probe.close()
    except (OSError, ValueError, BridgeError, FailedError) as err:
        print(f"error: broker {args.broker}, robot {args.robot}: {err}", file=sys.stderr)
        return 2
    finally:
        if life:
            life.kill()
    return 1 if any(r.verdict == "FAIL" for r in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

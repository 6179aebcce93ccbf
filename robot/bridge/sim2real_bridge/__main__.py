"""The command line of a bridge: arguments to parts.

What belongs here: the table of arguments, signals. What does not: behaviour, and which domains there are (domains.py).
"""

import argparse
import logging
import os
import re
import signal
import sys
import threading

from . import BridgeError, domains

PARENT_POLL_S = 0.5
MAX_HORIZON = 1_000_000

ARGUMENTS = (
    ("--broker", {"default": "127.0.0.1:1883", "metavar": "HOST:PORT", "help": "MQTT broker"}),
    ("--broker-wait", {"type": float, "default": 30.0, "metavar": "S", "help": "how long to wait for it, s"}),
    ("--tls-ca", {"metavar": "FILE", "help": "speak TLS to a broker whose certificate is of this authority, PEM"}),
    ("--tls-cert", {"metavar": "FILE", "help": "this bridge's certificate, PEM"}),
    ("--tls-key", {"metavar": "FILE", "help": "its key, PEM, which others must not be able to read"}),
    ("--user", {"help": "user at the broker"}),
    ("--password-file", {"metavar": "FILE", "help": "the user's password in its first line"}),
    ("--robot", {"help": "name in the topics sim2real/v1/ROBOT/; the domain's unless given"}),
    ("--domain", {"default": "kitchen", "help": f"simulator: {', '.join(domains.DOMAINS)}"}),
    ("--task", {"help": "task served"}),
    ("--clock", {"default": "lockstep", "help": "lockstep or realtime"}),
    ("--camera", {"action": "append", "dest": "cameras", "help": "view published; may be repeated"}),
    ("--size", {"type": int, "default": 224, "metavar": "PX", "help": "width and height of a frame, 16 to 1024"}),
    ("--rtsp", {"metavar": "HOST:PORT", "help": "serve pictures by RTSP instead, in real time; port 0: any"}),
    ("--jitter", {"help": "preset of resets that name none"}),
    ("--horizon", {"type": int, "default": 0, "metavar": "N", "help": "control steps of an episode; 0: the domain's"}),
    ("--repeat-s", {"type": float, "default": 1.0, "metavar": "S", "help": "lock-step: repeat an observation after"}),
    ("--abort-s", {"type": float, "default": 30.0, "metavar": "S", "help": "lock-step: give an episode up after"}),
    ("--teacher", {"action": "store_true", "help": "publish what the scripted expert would do"}),
    ("--exit-with-parent", {"action": "store_true", "help": "exit when the process that started this one is gone"}),
)


class UsageError(BridgeError):
    """Arguments that cannot be; the text names the thing, the value and the remedy."""


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaint is one line."""

    def error(self, message: str):
        """Raises UsageError."""
        raise UsageError(f"{message}: see --help")


def parse(argv: list[str]) -> argparse.Namespace:
    """Reads and checks arguments, adding host and port. Raises UsageError."""
    parser = Parser(prog="python -m sim2real_bridge", description="The robot's side of the bridge contract.")
    for name, options in ARGUMENTS:
        parser.add_argument(name, **options)
    args = parser.parse_args(argv)
    args.host, args.port = _address("--broker", args.broker)
    if args.rtsp is not None:
        args.rtsp = _address("--rtsp", args.rtsp, 0)
    _one_of("--domain", args.domain, domains.DOMAINS)
    args.robot = args.domain if args.robot is None else args.robot
    if not re.fullmatch(r"[A-Za-z0-9_-]+", args.robot):
        raise UsageError(f"--robot {args.robot!r}: use letters, digits, - and _")
    _one_of("--clock", args.clock, ("lockstep", "realtime"))
    if args.rtsp is not None and args.clock == "lockstep":
        raise UsageError("--rtsp with --clock lockstep: pictures of lock-step wait, use --clock realtime")
    if not 0 <= args.horizon <= MAX_HORIZON:
        raise UsageError(f"--horizon {args.horizon}: use 1 to {MAX_HORIZON} control steps, or 0 for the domain's own")
    if not 16 <= args.size <= 1024:
        raise UsageError(f"--size {args.size}: use 16 to 1024 pixels")
    for name in ("broker_wait", "repeat_s", "abort_s"):
        if not 0 < getattr(args, name) < 1e6:
            raise UsageError(f"--{name.replace('_', '-')} {getattr(args, name)}: use a positive number of seconds")
    return args


def _address(name: str, value: str, lowest: int = 1) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not lowest <= int(port) < 65536:
        raise UsageError(f"{name} {value!r}: use HOST:PORT, for example 127.0.0.1:1883")
    return host, int(port)


def _one_of(name: str, value: str, known) -> None:
    if value not in known:
        raise UsageError(f"{name} {value!r}: use one of {', '.join(known)}")


def main(argv: list[str]) -> int:
    """Runs a bridge until it is told to stop; the exit status."""
    parent = os.getppid()
    try:
        args = parse(argv)
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
        logging.getLogger(__package__).setLevel(logging.INFO)
        # Read when mujoco is imported. Said aloud in the factsheet; another backend is chosen, never fallen back to.
        _one_of("MUJOCO_GL", os.environ.setdefault("MUJOCO_GL", "egl"), ("egl", "osmesa"))
        serve(args, parent)
    except BridgeError as err:
        print(f"error: {err}", file=sys.stderr)
        return 2 if isinstance(err, UsageError) else 1
    return 0


def serve(args: argparse.Namespace, parent: int) -> None:
    """Builds the parts, runs the clock, and takes the parts down in the opposite order."""
    module = domains.load(args.domain)
    cameras = choose(args, module)
    from . import bridge, link, lockstep, png, realtime, render, secure

    domain = module.build(args.task)
    encode = png.encode if args.rtsp is None else bytes
    renderer = render.Renderer(domain, module.place, cameras, args.size, encode)
    streams = serving(args, domain, list(cameras))
    who = secure.Secure(args.tls_ca, args.tls_cert, args.tls_key, args.user, args.password_file)
    session = link.Link(args.host, args.port, args.robot, who)
    settings = bridge.Settings(args.robot, args.clock, args.size, args.teacher, args.jitter, args.horizon)
    arm = bridge.Bridge(domain, session, renderer, settings, streams)
    stop = stopper(session.inbox, parent if args.exit_with_parent else None)
    try:
        session.connect(arm.factsheet(), args.broker_wait, stop)
        if args.clock == "lockstep":
            lockstep.LockStep(arm, args.repeat_s, args.abort_s).run(stop)
        else:
            realtime.RealTime(arm).run(stop)
    finally:
        session.close()
        renderer.close()
        if streams is not None:
            streams.close()
    logging.getLogger(__package__).info("stopped: arm at rest")


def serving(args: argparse.Namespace, domain, cameras: list[str]):
    """The streams of cameras, None where their pictures are topics."""
    if args.rtsp is None:
        return None
    from . import streams

    return streams.Streams(*args.rtsp, cameras, args.size, 1.0 / (domain.tick_s * domain.control_ticks))


def choose(args: argparse.Namespace, module) -> dict:
    """Fills in what the arguments leave to the domain, checks their names, and returns the cameras by name.

    Raises UsageError for a name that the domain does not know.
    """
    args.task = module.DEFAULT_TASK if args.task is None else args.task
    args.jitter = module.DEFAULT_PRESET if args.jitter is None else args.jitter
    wanted = args.cameras or [domains.DEFAULT_VIEW]
    known = domains.cameras(module)
    _one_of("--task", args.task, module.TASKS)
    _one_of("--jitter", args.jitter, module.PRESETS)
    for camera in wanted:
        _one_of("--camera", camera, known)
        if wanted.count(camera) > 1:
            raise UsageError(f"--camera {camera!r}: stands twice, name each camera once")
    if args.teacher and args.task not in module.EXPERTS:
        experts = ", ".join(module.EXPERTS)
        raise UsageError(f"--teacher with --task {args.task!r}: has no scripted expert, use one of {experts}")
    return {name: known[name] for name in wanted}


def stopper(inbox, parent: int | None) -> threading.Event:
    """An event set by SIGTERM, by SIGINT, and, given a parent's id, once that is no longer our parent."""
    stop = threading.Event()

    def end(*_):
        stop.set()
        inbox.put(None)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if parent is not None:
        threading.Thread(target=_watch_parent, args=(parent, stop, end), daemon=True).start()
    return stop


def _watch_parent(parent: int, stop: threading.Event, end) -> None:
    """Polls, because the kernel's own death signal comes when the parent's thread ends, not the parent."""
    while not stop.wait(PARENT_POLL_S):
        if os.getppid() != parent:
            logging.getLogger(__package__).info("parent %d is gone", parent)
            end()
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

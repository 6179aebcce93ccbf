"""The conformance kit: our bridge keeps every rule, and a bridge that breaks one fails its check and no other."""

import io
import re
import shlex
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from sim2real_bridge import bridge, link, lockstep, realtime
from sim2real_bridge.conformance import table
from sim2real_bridge.conformance.trial import Trial

from . import spoilt
from .stick import SIZE, Blank, Stick


class Double:
    """A bridge of the plainest arm in a thread, which the kit may kill and start."""

    def __init__(self, port, robot, clock, spoil=lambda double: None):
        self.port, self.robot, self.clock, self.spoil = port, robot, clock, spoil

    def start(self):
        settings = bridge.Settings(self.robot, self.clock, SIZE, False, "none")
        self.link = link.Link("127.0.0.1", self.port, self.robot)
        self.arm = bridge.Bridge(Stick(), self.link, Blank(), settings)
        self.runner = {"realtime": realtime.RealTime, "lockstep": lockstep.LockStep}[self.clock](self.arm)
        self.stopping = threading.Event()
        self.facts = self.arm.factsheet()
        self.spoil(self)
        self.link.connect(self.facts, 10.0, self.stopping)
        self._thread = threading.Thread(target=self.runner.run, args=(self.stopping,))
        self._thread.start()

    def kill(self):
        """As kill -9 would: the socket ends, and nobody says why."""
        self.link._client.loop_stop()
        self.link._client._sock_close()
        self._end()

    def _end(self):
        self.stopping.set()
        self.link.inbox.put(None)
        self._thread.join(10.0)
        assert not self._thread.is_alive()

    def stop(self):
        self._end()
        self.link.close()


def judge(port, robot, clock, spoil=lambda double: None):
    """Runs every check against a double: the results, and what was printed."""
    double = Double(port, re.sub(r"\W", "-", robot), clock, spoil)
    double.start()
    try:
        trial = Trial(lambda client: client.connect("127.0.0.1", port), double.robot, double)
        out = io.StringIO()
        results = table.run(trial, out=out)
        trial.probe.close()
    finally:
        double.stop()
    return results, out.getvalue()


def failed(results):
    """Those that say that a rule was broken."""
    return [r for r in results if r.verdict == "FAIL"]


@pytest.mark.parametrize("clock", ["realtime", "lockstep"])
def test_our_bridge_keeps_every_rule(broker, clock):
    """Where a machine that is busy for a moment fails a rule of time, all are judged once more."""
    results, text = judge(broker, f"ours-{clock}", clock)
    if clock == "realtime" and failed(results):
        warnings.warn(f"judged once more, after {failed(results)}", stacklevel=1)
        results, again = judge(broker, f"ours-{clock}-again", clock)
        text += again
    assert failed(results) == [], text
    of_the_other_clock = {
        "lockstep": {"silence_stops", "validity_ends", "holder_gone"},
        "realtime": {"one_step", "repeats"},
    }[clock]
    assert {r.name for r in results if r.verdict == "skip"} == of_the_other_clock
    assert (
        text.splitlines()[-1]
        == f"{len(results) - len(of_the_other_clock)} passed, 0 failed, {len(of_the_other_clock)} skipped"
    )


SPOILT = {"lockstep": spoilt.IN_LOCKSTEP, "realtime": spoilt.IN_REALTIME}


def failures(port, name, clock):
    """The checks that a spoilt bridge fails, with their reasons."""
    results, _ = judge(port, f"spoilt-{name}-{clock}-{time.monotonic_ns()}", clock, SPOILT[clock][name])
    return [(r.name, r.reason) for r in failed(results)]


def unlike(port, clock, names, at_once):
    """The spoilt bridges, so many at a time, that do not fail their own check alone, with what they fail."""
    with ThreadPoolExecutor(at_once) as pool:
        done = {name: pool.submit(failures, port, name, clock) for name in names}
    said = {name: future.result() for name, future in done.items()}
    return {name: s for name, s in said.items() if [n for n, _ in s] != [name]}


def test_a_bridge_that_breaks_a_rule_fails_its_check_alone(broker):
    """In lock-step, where the checks wait for nobody, many bridges at a time."""
    wrong = unlike(broker, "lockstep", spoilt.IN_LOCKSTEP, 8)
    assert not wrong, "\n".join(f"{name}: {s}" for name, s in wrong.items())


def test_a_bridge_that_breaks_a_rule_of_time_fails_its_check_alone(broker):
    """Where a machine that is busy for a moment fails another as well, once more and one by one."""
    wrong = unlike(broker, "realtime", spoilt.IN_REALTIME, len(spoilt.IN_REALTIME))
    if wrong:
        warnings.warn(f"judged once more, after {wrong}", stacklevel=1)
    again = unlike(broker, "realtime", wrong, 1)
    assert not again, "\n".join(f"{name}: {s}" for name, s in again.items())


def test_every_check_can_fail():
    assert set(table.CHECKS) == set(spoilt.IN_LOCKSTEP) | set(spoilt.IN_REALTIME)


def test_the_command_line_starts_a_bridge_and_sums_up(broker, tmp_path):
    """A real bridge's process, killed and started again by the kit; three checks, to be quick."""
    name = ["--broker", f"127.0.0.1:{broker}", "--robot", "kit"]
    started = shlex.join([sys.executable, "-m", "sim2real_bridge", *name, "--size", "32"])
    kit = [sys.executable, "-m", "sim2real_bridge.conformance", *name, "--start", started]
    done = subprocess.run([*kit, "nan", "silence_stops", "last_will"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "2 passed, 0 failed, 1 skipped"
    assert "the bridge's clock is lockstep" in done.stdout


def test_the_command_line_refuses(broker):
    for argv, said in ((["nann"], "check 'nann' is unknown"), ([], "Connection refused")):
        kit = [sys.executable, "-m", "sim2real_bridge.conformance", "--broker", "127.0.0.1:1", "--robot", "x", *argv]
        done = subprocess.run(kit, capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert said in done.stderr
        assert len(done.stderr.splitlines()) == 1

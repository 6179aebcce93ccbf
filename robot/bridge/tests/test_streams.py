"""Pictures by RTSP, read by ffmpeg."""

import subprocess
import threading
import time

import numpy as np
import pytest

from sim2real_bridge import streams
from sim2real_bridge.__main__ import UsageError, parse
from sim2real_bridge.conformance import check_said
from sim2real_bridge.conformance.probe import FailedError

SIZE, RATE_HZ = 64, 25.0


@pytest.fixture(scope="module")
def served():
    """Two cameras that see red and blue, taken 25 times a second."""
    out = streams.Streams("127.0.0.1", 0, ["front", "wrist"], SIZE, RATE_HZ)
    red, blue = (np.full((SIZE, SIZE, 3), c, np.uint8).tobytes() for c in ((200, 20, 20), (20, 20, 200)))
    stop = threading.Event()

    def feed():
        while not stop.wait(1 / RATE_HZ):
            out.show({"front": red, "wrist": blue}, time.monotonic_ns())

    feeder = threading.Thread(target=feed)
    feeder.start()
    yield out
    stop.set()
    feeder.join()
    out.close()
    assert out._server.returncode == 0


@pytest.mark.parametrize(("camera", "mean"), [("front", (200, 20, 20)), ("wrist", (20, 20, 200))])
def test_ffmpeg_sees_the_size_and_the_colours(served, camera, mean):
    command = ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", served.address(camera)]
    command += ["-frames:v", "3", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True)
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(3, SIZE * SIZE, 3)
    assert np.allclose(pictures.mean(axis=(0, 1)), mean, atol=6)


def test_the_stream_is_an_ip_cameras(served):
    command = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-read_intervals", "%+#60", "-show_entries"]
    command += ["stream=codec_name,has_b_frames:packet=flags", "-of", "csv=p=0", served.address("front")]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True, text=True).stdout.split()
    assert "h264,0" in done
    keys = [i for i, line in enumerate(done) if line.startswith("K")]
    assert np.all(np.diff(keys) == round(RATE_HZ)), "a keyframe each second"


def test_the_conformance_kit_asks_a_stream(served):
    camera = {"address": served.address("front"), "encoding": "h264"}
    check_said.streamed(camera)
    for spoilt, said in (
        ({"address": served.address("nobody")}, "404"),
        ({"address": "rtsp://127.0.0.1:1/front"}, "refused"),
        ({"address": "http://127.0.0.1:1/front"}, "not rtsp"),
        ({"encoding": "png"}, "encoding"),
    ):
        with pytest.raises(FailedError, match=said):
            check_said.streamed(camera | spoilt)


def test_a_server_that_is_gone_is_said_once(caplog):
    out = streams.Streams("127.0.0.1", 0, ["front"], SIZE, RATE_HZ)
    out._server.kill()
    out._server.wait()
    for _ in range(3):
        out.show({"front": bytes(3 * SIZE * SIZE)}, 0)
    out.close()
    assert caplog.text.count("start this bridge again") == 1


def test_a_port_that_is_taken_is_said(served):
    port = int(served.address("front").split(":")[2].split("/")[0])
    with pytest.raises(streams.StreamError, match="did not start"):
        streams.Streams("127.0.0.1", port, ["front"], SIZE, RATE_HZ)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rtsp", "127.0.0.1:0"], "use --clock realtime"),
        (["--clock", "realtime", "--rtsp", "8554"], "use HOST:PORT"),
        (["--clock", "realtime", "--rtsp", "127.0.0.1:99999"], "use HOST:PORT"),
    ],
)
def test_what_cannot_be_served(arguments, said):
    with pytest.raises(UsageError, match=said):
        parse(arguments)

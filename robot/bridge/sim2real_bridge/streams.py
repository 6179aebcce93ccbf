"""A bridge's pictures by RTSP: what an IP camera would send, in place of the topics camera/{name}.

What belongs here: the server's process (rtsp_server.py), and handing pictures to it. What does not: encoding and RTSP,
which are GStreamer's. The server has a process of its own because its bindings are those of Debian's Python.
"""

import contextlib
import json
import logging
import pathlib
import struct
import subprocess

from . import BridgeError

log = logging.getLogger(__name__)

PYTHON = "/usr/bin/python3"
PLUGINS = " ".join(f"gstreamer1.0-plugins-{name}" for name in ("base", "good", "ugly"))
PACKAGES = "python3-gi gir1.2-gst-rtsp-server-1.0 " + PLUGINS
SERVER = pathlib.Path(__file__).with_name("rtsp_server.py")
HEADER = struct.Struct("<BQ")  # as rtsp_server.py reads it
CLOSE_S = 1.0


class StreamError(BridgeError):
    """The server does not start; the text names the remedy."""


class Streams:
    """The server of some cameras. show may wait for it, and so belongs to the thread that draws."""

    def __init__(self, host: str, port: int, cameras: list[str], size: int, rate_hz: float):
        """Starts the server and waits until it listens; size is in pixels, port 0 any. Raises StreamError."""
        self._cameras = list(cameras)
        settings = {"host": host, "port": port, "cameras": self._cameras, "size": size, "rate_hz": rate_hz}
        command = [PYTHON, str(SERVER), json.dumps(settings)]
        try:
            self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as err:
            raise StreamError(f"starting {PYTHON}, which serves by RTSP: {err}: apt-get install {PACKAGES}") from err
        port = self._server.stdout.readline().strip()
        if not port.isdigit():
            self.close()
            raise StreamError(f"GStreamer's RTSP server did not start, see above; it needs {PACKAGES}")
        self._root = f"rtsp://{host}:{int(port)}/"
        self._lost = False

    def address(self, camera: str) -> str:
        """Where a camera's pictures are."""
        return self._root + camera

    def show(self, pictures: dict[str, bytes], taken_ns: int) -> None:
        """Serves RGB pixels of each camera, taken at that time on CLOCK_MONOTONIC."""
        try:
            for name, pixels in pictures.items():
                self._server.stdin.write(HEADER.pack(self._cameras.index(name), taken_ns) + pixels)
            self._server.stdin.flush()
        except OSError as err:
            if not self._lost:
                log.error("the RTSP server is gone (%s): no more pictures; start this bridge again", err)
            self._lost = True

    def close(self) -> None:
        """Ends the server."""
        with contextlib.suppress(OSError):  # it went before us
            self._server.stdin.close()
        try:
            self._server.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

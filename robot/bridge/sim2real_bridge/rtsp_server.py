"""GStreamer's RTSP server for a bridge's pictures: one H264 stream for each camera, as an IP camera sends it.

What belongs here: the program that streams.py starts, with Debian's own Python, which has GStreamer's bindings. It
imports nothing of this package. What does not: what the pictures show. It ends with its input.

Input: for each picture a HEADER, index of the camera and CLOCK_MONOTONIC in ns when it was taken, and its RGB pixels.
Output: one line, the port that it listens at.
"""

import json
import struct
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

HEADER = struct.Struct("<BQ")
REPORT_NS = 500_000_000  # at least, between the reports by which readers know when pictures were taken

# As a good IP camera is set: a keyframe each second, no B-frames, no look-ahead, little loss. A picture that comes
# before the encoder has taken the one before replaces it.
PIPELINE = (
    "( appsrc name=pictures is-live=true format=time block=false max-buffers=1 leaky-type=downstream"
    " caps=video/x-raw,format=RGB,width={size},height={size},framerate={rate}/1000"
    " ! videoconvert ! video/x-raw,format=I420,colorimetry=bt601"
    " ! x264enc tune=zerolatency speed-preset=veryfast threads=1 bframes=0 key-int-max={second} pass=quant quantizer=18"
    " ! rtph264pay name=pay0 pt=96 config-interval=-1 )"
)


class Stream:
    """One camera's. Pictures that nobody watches are dropped."""

    def __init__(self, server, name: str, size: int, rate_hz: float):
        factory = GstRtspServer.RTSPMediaFactory()
        rate, second = round(1000 * rate_hz), max(1, round(rate_hz))
        factory.set_launch(PIPELINE.format(size=size, rate=rate, second=second))
        factory.set_shared(True)
        factory.connect("media-configure", self._begin)
        server.get_mount_points().add_factory("/" + name, factory)
        self._lock = threading.Lock()
        self._media = self._pictures = None

    def show(self, taken_ns: int, pixels: bytes) -> None:
        """Sends a picture to those who watch."""
        with self._lock:
            pictures = self._pictures
        if pictures is None or pictures.get_clock() is None:
            return
        buffer = Gst.Buffer.new_wrapped(pixels)
        buffer.pts = max(0, taken_ns - pictures.get_base_time())  # the pipeline's clock is CLOCK_MONOTONIC
        pictures.emit("push-buffer", buffer)

    def _begin(self, factory, media) -> None:
        with self._lock:
            self._media, self._pictures = media, media.get_element().get_by_name("pictures")
        media.connect("prepared", told_when_taken)
        media.connect("unprepared", self._end)

    def _end(self, media) -> None:
        with self._lock:
            if self._media is media:
                self._media = self._pictures = None


def told_when_taken(media) -> None:
    """Lets a medium's reports tell when a picture was taken and not when it was sent, and soon."""
    for element in media.get_element().get_parent().children:
        if element.get_factory().get_name() == "rtpbin":
            element.set_property("rtcp-sync-send-time", False)
    media.get_stream(0).get_rtpsession().set_property("rtcp-min-interval", REPORT_NS)


def read(streams: list[Stream], size: int, loop) -> None:
    """Takes pictures until the input ends, and the program with it."""
    source = sys.stdin.buffer
    while len(header := source.read(HEADER.size)) == HEADER.size:
        index, taken_ns = HEADER.unpack(header)
        pixels = source.read(3 * size * size)
        if len(pixels) == 3 * size * size:
            streams[index].show(taken_ns, pixels)
    loop.quit()


def main(host: str, port: int, cameras: list[str], size: int, rate_hz: float) -> None:
    """Serves until the input ends."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address(host)
    server.set_service(str(port))
    streams = [Stream(server, name, size, rate_hz) for name in cameras]
    loop = GLib.MainLoop()
    if server.attach(None) == 0:
        sys.exit(f"error: --rtsp {host}:{port} cannot be listened at: name a free port, or 0 for any")
    threading.Thread(target=read, args=(streams, size, loop), daemon=True).start()
    print(server.get_bound_port(), flush=True)
    loop.run()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))

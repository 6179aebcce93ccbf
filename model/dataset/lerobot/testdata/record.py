"""Records testdata/recorded with LeRobot's own writer: what a person with a small arm of two joints might leave.

Go's tests hold every number against the same formulas. Needs `make lerobot-setup`; run it from the repository:

    build/lerobot-venv/bin/python model/dataset/lerobot/testdata/record.py
"""

import pathlib
import shutil

import numpy
from lerobot.datasets.lerobot_dataset import LeRobotDataset

FOLDER = pathlib.Path(__file__).parent / "recorded"
LENGTHS, FPS = (6, 4, 5), 10
WIDTH, HEIGHT, CELL = 48, 32, 16
NAMES = ["shoulder.pos", "elbow.pos", "gripper.pos"]


def position(episode: int, frame: int) -> numpy.ndarray:
    """Degrees, and the gripper in percent, 100 open."""
    return numpy.array([10 * episode + frame, -0.5 * frame, 100 - 5 * frame], "f4")


def picture(episode: int, frame: int) -> numpy.ndarray:
    """Six grey squares that say a number in binary, white for 1: a loss of a few percent leaves it readable."""
    number, out = 8 * episode + frame, numpy.full((HEIGHT, WIDTH, 3), 32, "u1")
    for bit in range(6):
        y, x = divmod(bit, 3)
        if number >> bit & 1:
            out[y * CELL : (y + 1) * CELL, x * CELL : (x + 1) * CELL] = 224
    return out


def main() -> None:
    """Writes the folder anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    vector = {"dtype": "float32", "shape": (3,), "names": NAMES}
    seen = {"shape": (HEIGHT, WIDTH, 3), "names": ["height", "width", "channels"]}
    features = {
        "observation.state": vector,
        "action": vector,
        "observation.images.front": {"dtype": "video", **seen},
        "observation.images.wrist": {"dtype": "image", **seen},
    }
    data = LeRobotDataset.create("local/recorded", FPS, features, FOLDER, "small_arm", vcodec="h264")
    for episode, length in enumerate(LENGTHS):
        for frame in range(length):
            data.add_frame(
                {
                    "observation.state": position(episode, frame),
                    "action": position(episode, frame + 1),
                    "observation.images.front": picture(episode, frame),
                    "observation.images.wrist": picture(episode, frame),
                    "task": "put it back" if episode == 1 else "pick it up",
                }
            )
        data.save_episode()
    data.finalize()
    shutil.rmtree(FOLDER / "images", ignore_errors=True)


if __name__ == "__main__":
    main()

"""Opens exports by LeRobot's own reader and holds every value against the dataset that they were made of.

    python check.py DATASET EXPORT...

Numbers must be the dataset's, rounded to float32; PNG pictures equal, byte for byte; of mp4 pictures the loss, as
LeRobot decodes them, must be what the export says it is, within a decibel. `make lerobot-check` runs it.
"""

import argparse
import json
import math
import os
import pathlib
import sys
import tempfile

# Nothing is asked of the network, and no cache of an older export is read.
CACHE = tempfile.TemporaryDirectory()
os.environ.update(HF_HOME=CACHE.name, HF_HUB_OFFLINE="1")

import io

import numpy
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.datasets.utils import dataset_to_policy_features
from PIL import Image
from safetensors import safe_open

# By the export's features, the dataset's tensors, side by side.
TENSORS = {
    "observation.state": ("q", "gripper"),
    "observation.velocity": ("dq",),
    "action": ("wanted",),
    "command.sent": ("sent",),
}
DECIBEL = 1.0  # how far two decoders' rounding of colours may be apart


class DifferenceError(Exception):
    """What LeRobot read is not what was recorded."""


def same(what: str, got: numpy.ndarray, want: numpy.ndarray) -> None:
    """Raises DifferenceError unless every value and the shape are equal."""
    if got.shape != want.shape or not numpy.array_equal(got, want):
        raise DifferenceError(f"{what} is\n{got}\nwant\n{want}")


class Native:
    """One episode file of the dataset."""

    def __init__(self, folder: pathlib.Path, seed: int):
        with safe_open(folder / "episodes" / f"seed-{seed:08d}.safetensors", "numpy") as file:
            self.said = file.metadata()
            self.tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    def row(self, names: tuple[str, ...], step: int) -> numpy.ndarray:
        """The numbers of a step, as an export rounds them."""
        return numpy.concatenate([self.tensors[name][step] for name in names]).astype("f4")

    def picture(self, camera: str, step: int) -> numpy.ndarray:
        """(height, width, 3), uint8."""
        at = self.tensors[f"camera.{camera}.offsets"]
        data = self.tensors[f"camera.{camera}.png"][at[step] : at[step + 1]]
        return numpy.asarray(Image.open(io.BytesIO(data.tobytes())).convert("RGB"))


def check(native: pathlib.Path, export: pathlib.Path) -> str:
    """Compares everything; returns what was compared. Raises DifferenceError."""
    data = LeRobotDataset("local/export", root=export)
    said = json.loads((export / "sim2reald.json").read_text())
    joints = len(said["meta"]["robot"]["joint_names"])
    squares = dict.fromkeys(data.meta.camera_keys, 0.0)
    numbers = dict(squares)
    frame = 0
    for episode in data.meta.episodes:
        recorded = Native(native, episode["seed"])
        steps = int(recorded.said["steps"])
        same("episode", numpy.array([episode["length"], episode["dataset_from_index"]]), numpy.array([steps, frame]))
        for step in range(steps):
            check_frame(data[frame], recorded, step, said["meta"]["task"])
            for key in data.meta.camera_keys:
                got = (data[frame][key].numpy().transpose(1, 2, 0) * 255).round().astype("i4")
                want = recorded.picture(key.removeprefix("observation.images."), step).astype("i4")
                if data.features[key]["dtype"] == "image":
                    same(f"{key} of frame {frame}", got, want)
                squares[key] += float(((got - want) ** 2).sum())
                numbers[key] += got.size
            frame += 1
    same("frames", numpy.array([len(data), data.meta.total_frames]), numpy.array([frame, frame]))
    check_loss(data, squares, numbers)
    check_use(data, joints)
    return f"{data.meta.total_episodes} episodes, {frame} frames, {len(data.meta.camera_keys)} cameras"


def check_frame(item: dict, recorded: Native, step: int, task: str) -> None:
    """Everything of a frame but its pictures."""
    for feature, tensors in TENSORS.items():
        same(feature, item[feature].numpy(), recorded.row(tensors, step))
    last = step == int(recorded.said["steps"]) - 1
    got = [
        item["stamp_ns"].item(),
        item["frame_index"].item(),
        item["next.done"].item(),
        item["next.success"].item(),
        item["task"],
    ]
    success = last and recorded.said["success"] == "true"
    want = [int(recorded.tensors["stamp_ns"][step]), step, last, success, task]
    if got != want:
        raise DifferenceError(f"frame {step} is {got}, want {want}")


def check_loss(data: LeRobotDataset, squares: dict[str, float], numbers: dict[str, float]) -> None:
    """An mp4's loss is as the export says."""
    for key in data.meta.video_keys:
        psnr = 10 * math.log10(255**2 * numbers[key] / squares[key])
        said = data.features[key]["info"]["sim2reald.psnr_db"]
        print(f"  {key}: {psnr:.2f} dB by LeRobot's decoder, {said:.2f} dB by the export")
        if abs(psnr - said) > DECIBEL:
            raise DifferenceError(f"{key}: PSNR {psnr:.2f} dB, the export says {said:.2f}")


def check_use(data: LeRobotDataset, joints: int) -> None:
    """What LeRobot's training does with a dataset: statistics, policy features, chunks of actions, batches."""
    table = data.hf_dataset.with_format("numpy")
    for feature in TENSORS:
        column, stats = numpy.stack(table[feature][:]), data.meta.stats[feature]
        numpy.testing.assert_allclose(stats["mean"], column.mean(0, dtype="f8"), atol=1e-6)
        numpy.testing.assert_allclose(stats["std"], column.std(0, dtype="f8"), atol=1e-6)
        same(
            feature + " bounds",
            numpy.stack([stats["min"], stats["max"]]).astype("f4"),
            numpy.stack([column.min(0), column.max(0)]),
        )
    features = dataset_to_policy_features(data.features)
    if features["action"].shape != (joints + 1,) or features["observation.state"].shape != (joints + 1,):
        raise DifferenceError(f"policy features {features}")
    chunked = LeRobotDataset(
        "local/export", root=data.root, delta_timestamps={"action": [i / data.fps for i in range(3)]}
    )
    batch = next(iter(torch.utils.data.DataLoader(chunked, batch_size=4)))
    same("a chunk", batch["action"][0].numpy(), torch.stack([data[i]["action"] for i in range(3)]).numpy())


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("exports", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    for export in args.exports:
        try:
            print(f"{export}: all equal: {check(args.dataset, export)}")
        except (DifferenceError, AssertionError) as difference:
            print(f"{export}: {difference}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

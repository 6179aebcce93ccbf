"""The dataset folder that `sim2reald collect` leaves: dataset.json and one safetensors file per episode.

What belongs here: reading it, the digest over it, labels and their statistics, by the rules of the daemon's own
training (Go's model/dataset and model/train). What does not: pixels (pictures) and learning (training).
"""

import dataclasses
import hashlib
import itertools
import json
import math
import pathlib
import re
from dataclasses import dataclass

import numpy

from . import TrainingError, tensorfile

SCHEMA, VERSIONS = "sim2reald.dataset", (1, 2)
LABELS, OF = "sim2reald.labels", "sim2reald.dataset"  # the metadata of a file of labels
# Floors of standard deviations: what hardly varies in the demonstrations must not be blown up on the robot.
ACTION_FLOOR = 1e-3  # rad/s, and of the gripper's range
PROPRIO_FLOOR = 1e-2  # rad


@dataclass(frozen=True)
class Episode:
    """One demonstration. Rows are steps; columns are joints, base to tip."""

    seed: int
    success: bool
    digest: str
    q: numpy.ndarray  # (steps, joints), measured, rad
    wanted: numpy.ndarray  # (steps, joints + 1), the teacher's velocities, rad/s, and gripper, 0 open to 1 closed
    pictures: dict[str, list[bytes]]  # by camera, one PNG per step

    def __len__(self) -> int:
        return len(self.q)


@dataclass(frozen=True)
class Labels:
    """What is learned instead of the joints' velocities: numbers that the daemon made of the demonstrations.

    action is what they mean, as a manifest says it; rows are (steps, numbers), SI units, by the seed of an episode.
    """

    action: dict
    rows: dict[int, numpy.ndarray]


@dataclass(frozen=True)
class Dataset:
    """An open folder: meta is dataset.json, episodes come by ascending seed. learned None is the joints' velocities."""

    meta: dict
    episodes: list[Episode]
    digest: str
    learned: Labels | None = None

    @property
    def joints(self) -> int:
        """How many joints the arm has."""
        return len(self.meta["robot"]["joint_names"])

    @property
    def action(self) -> dict:
        """What the numbers of an action mean, as a manifest says it."""
        if self.learned:
            return self.learned.action
        dimensions = [*self.meta["robot"]["joint_names"], "gripper"]
        return {"kind": "joint_velocity", "unit": "rad/s", "dimensions": dimensions}

    def labels(self, episode: Episode) -> numpy.ndarray:
        """(steps, numbers of an action): the teacher's wish, at the speed limits that the robot will be under too."""
        if self.learned:
            return self.learned.rows[episode.seed]
        limits = self.meta["limits"]
        fastest = numpy.array(limits["velocity_max"]) * limits["speed_scale"]
        low = numpy.append(-fastest, 0.0)
        return numpy.clip(episode.wanted, low, numpy.append(fastest, 1.0))


def load(folder: pathlib.Path) -> Dataset:
    """Reads and checks every episode. Raises TrainingError or OSError."""
    text = (pathlib.Path(folder) / "dataset.json").read_text()
    try:
        meta = json.loads(text)
        found = (meta["schema"], meta["version"])
        cameras = [camera["name"] for camera in meta["cameras"]]
        joints = len(meta["robot"]["joint_names"])
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{folder}/dataset.json: {error!r}; collect the dataset again") from error
    if found[0] != SCHEMA or found[1] not in VERSIONS:
        raise TrainingError(f"{folder}/dataset.json: {found[0]} version {found[1]}, this package reads {VERSIONS}")
    sha = hashlib.sha256(f"sim2real dataset 1\n{_compact(text)}\n".encode())
    episodes = []
    for path in _paths(folder):
        episodes.append(_episode(path, cameras, joints))
        sha.update(f"{episodes[-1].seed} {episodes[-1].digest}\n".encode())
    return Dataset(meta, episodes, "sha256:" + sha.hexdigest())


def learn(data: Dataset, path: pathlib.Path) -> Dataset:
    """The dataset with labels from a file of the daemon's. Raises TrainingError or OSError."""
    file = tensorfile.read(path)
    try:
        action, of, rows = json.loads(file.metadata[LABELS]), file.metadata[OF], {}
        if of != data.digest:
            raise ValueError(f"they are of dataset {of}, this is {data.digest}")
        for episode in (e for e in data.episodes if e.success):
            rows[episode.seed] = file.tensors[str(episode.seed)].array()
            want = (len(episode), len(action["dimensions"]))
            if rows[episode.seed].shape != want or not numpy.isfinite(rows[episode.seed]).all():
                raise ValueError(f"labels of seed {episode.seed} are {rows[episode.seed].shape}, or not finite; {want}")
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path}: {error!r}: not labels of these demonstrations; let sim2reald train write them"
        ) from error
    return dataclasses.replace(data, learned=Labels(action, rows))


def _compact(text: str) -> str:
    """The text without spaces between its tokens: the daemon writes the same tokens, and digests them so."""
    return re.sub(r'("(?:\\.|[^"\\])*")|\s+', lambda m: m[1] or "", text)


def _paths(folder: pathlib.Path) -> list[pathlib.Path]:
    """The episodes by ascending seed. Temporary files of an interrupted write have other names."""
    found = []
    for path in (pathlib.Path(folder) / "episodes").iterdir():
        seed = re.fullmatch(r"seed-(\d{8,18})\.safetensors", path.name)
        if seed and path.name == f"seed-{int(seed[1]):08d}.safetensors":
            found.append((int(seed[1]), path))
    return [path for _, path in sorted(found)]


def _episode(path: pathlib.Path, cameras: list[str], joints: int) -> Episode:
    file = tensorfile.read(path)
    said = file.metadata
    try:
        if said["digest"] != _episode_digest(said, tensorfile.digest(file.tensors)):
            raise ValueError("its digest is not what it says")
        steps = int(said["steps"])
        arrays = {k: file.tensors[k].array() for k in ("q", "wanted")}
        for key, width in (("q", joints), ("wanted", joints + 1)):
            if arrays[key].shape != (steps, width) or not numpy.isfinite(arrays[key]).all():
                raise ValueError(f"{key} is {list(arrays[key].shape)}, or not finite; want {[steps, width]}")
        pictures = {camera: _pictures(file, camera, steps) for camera in cameras}
        return Episode(int(said["seed"]), said["success"] == "true", said["digest"], **arrays, pictures=pictures)
    except (ValueError, KeyError) as error:
        raise TrainingError(f"{path}: {error}; delete it and collect the episode again") from error


def _episode_digest(said: dict[str, str], tensors: str) -> str:
    fields = [json.dumps(said[key]) for key in ("schema", "seed", "success", "steps")]
    return "sha256:" + hashlib.sha256("\n".join(["sim2real episode 1", *fields, tensors]).encode()).hexdigest()


def _pictures(file: tensorfile.TensorFile, camera: str, steps: int) -> list[bytes]:
    at = file.tensors[f"camera.{camera}.offsets"].array().tolist()
    data = file.tensors[f"camera.{camera}.png"].data
    if len(at) != steps + 1 or any(not 0 <= a < b <= len(data) for a, b in itertools.pairwise(at)):
        raise ValueError(f"the pictures of camera {camera} do not lie in their tensor")
    return [bytes(data[a:b]) for a, b in itertools.pairwise(at)]


def split(count: int, share: float, seed: int) -> list[bool]:
    """Which of count episodes are held out: round(share * count) of them, and at least one is trained on."""
    held = numpy.zeros(count, bool)
    number = min(math.floor(share * count + 0.5), count - 1)
    held[numpy.random.default_rng([seed, 1]).permutation(count)[:number]] = True
    return held.tolist()


def moments(rows: numpy.ndarray, floor: float) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Mean and standard deviation, at least floor, of each column, as float32."""
    wide = rows.astype("f8")
    mean, deviation = wide.mean(0), wide.std(0)
    return mean.astype("f4"), numpy.maximum(deviation, floor).astype("f4")


def chunks(labels: numpy.ndarray, mean: numpy.ndarray, std: numpy.ndarray, size: int):
    """Standardised targets and their weights, both (steps, size * width); weight 0 past the episode's end."""
    steps, width = labels.shape
    scaled = ((labels - mean.astype("f8")) / std.astype("f8")).astype("f4")
    targets = numpy.zeros((steps, size, width), "f4")
    weights = numpy.zeros_like(targets)
    for k in range(min(size, steps)):
        targets[: steps - k, k] = scaled[k:]
        weights[: steps - k, k] = 1
    return targets.reshape(steps, -1), weights.reshape(steps, -1)

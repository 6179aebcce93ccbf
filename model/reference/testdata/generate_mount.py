"""Writes the pictures that TestMovedMount judges: cameras that stand where they stood, and cameras that moved a little.

From robot/bridge: `../../build/venv-DOMAIN/bin/python ../../model/reference/testdata/generate_mount.py DOMAIN`, DOMAIN
being kitchen, metaworld or rgb_stacking, with MUJOCO_GL=egl. A sheet has rows of eight pictures of 32x32 px, each of
another start of an episode: the groups of GROUPS one after another, as many rows each as stand there.
"""

import io
import math
import pathlib
import sys

import numpy as np
from PIL import Image
from sim2real_bridge import domains, render, shifts
from sim2real_bridge.shift_scene import CameraPose

FOLDER = pathlib.Path(__file__).parent / "mount"
CAMERAS = {
    "kitchen": ("default", "left_cap2"),
    "metaworld": ("left_cap2", "corner3"),
    "rgb_stacking": ("basket_front_left", "basket_back_left"),
}
TASKS = {"kitchen": "hinge", "metaworld": "drawer-open", "rgb_stacking": "triplet3"}
SIDE, ACROSS = 32, 8  # px, pictures in a row
# Each turned about any axis by so many degrees, or moved any way by so many cm.
MOVES = {
    **{f"turn{d}": CameraPose((0.0, 0.0), (math.radians(d),) * 2) for d in (1, 2, 4, 8)},
    **{f"move{cm}": CameraPose((cm / 100,) * 2, (0.0, 0.0)) for cm in (2, 4, 8)},
}
# A shift, how many rows, and the first seed.
GROUPS = (
    (shifts.NONE, 5, 31),
    (shifts.NONE, 5, 501),
    *((move, 2, 501) for move in MOVES),
    ("light", 2, 501),
    ("colour", 1, 501),
    ("noise", 1, 501),
    ("blur", 1, 501),
)


def main() -> None:
    name = sys.argv[1]
    shifts.SHIFTS = {**shifts.SHIFTS, **{move: (pose,) for move, pose in MOVES.items()}}
    module = domains.load(name)
    domain = module.build(TASKS[name])
    known = domains.cameras(module)
    renderer = render.Renderer(domain, module.place, {c: known[c] for c in CAMERAS[name]}, 224)
    sheets = {c: [] for c in CAMERAS[name]}
    for shift, rows, first in GROUPS:
        for seed in range(first, first + ACROSS * rows):
            domain.reset(domain.task, seed, module.DEFAULT_PRESET)
            shot = render.Shot(domain.snapshot(), shifts.Draw(shift, seed))
            for camera, png in renderer.render(shot).items():
                picture = Image.open(io.BytesIO(png)).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
                sheets[camera].append(np.asarray(picture))
    renderer.close()
    for camera, pictures in sheets.items():
        rows = [np.hstack(pictures[i : i + ACROSS]) for i in range(0, len(pictures), ACROSS)]
        Image.fromarray(np.vstack(rows)).save(FOLDER / f"{name}.{camera}.jpg", quality=92, subsampling=0)


if __name__ == "__main__":
    main()

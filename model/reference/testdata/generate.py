"""Writes the pictures that TestFixtures judges: what simulated cameras see, one sheet of small pictures per camera.

From robot/bridge: `../../build/venv-DOMAIN/bin/python ../../model/reference/testdata/generate.py DOMAIN`, DOMAIN being
kitchen, metaworld or rgb_stacking. A sheet has rows of eight pictures of 64x64 px: first `learnt`, of the experts'
episodes that a reference is made of, then as many of other starts, then `light`, the same under changed lights, and
`picture`, under changed colours, noise and blur.
"""

import io
import pathlib
import sys

import numpy as np
from PIL import Image
from sim2real_bridge import domains, render, shaping, shifts

FOLDER = pathlib.Path(__file__).parent
CAMERAS = {
    "kitchen": ("default", "left_cap2", "right_cap2", "environment"),
    "metaworld": ("left_cap2", "top_cap2", "right_cap2", "corner3"),
    "rgb_stacking": ("basket_front_left", "basket_front_right", "basket_back_left"),
}
# Tasks and seeds that had no part in the choice of the thresholds: those were chosen on the domains' default tasks.
TASKS = {"kitchen": "hinge", "metaworld": "drawer-open", "rgb_stacking": "triplet3"}
EVERY, SIDE, ACROSS = 8, 64, 8  # pictures of an episode, px, pictures in a row
LEARNT, OTHER = range(31, 34), range(501, 504)  # seeds of episodes
LIGHT = ("light", "light", "light_strong")
PICTURE = ("colour", "noise", "blur")


def episode(domain, module, seed: int) -> list:
    """Snapshots of an expert's episode, evenly spaced, the start first."""
    domain.reset(domain.task, seed, module.DEFAULT_PRESET)
    velocity, seen = np.zeros(len(domain.limits.joint_names)), [domain.snapshot()]
    for _ in range(domain.horizon_steps):
        advice = domain.expert()
        for _ in range(domain.control_ticks):
            at = domain.commanded_position()
            velocity = shaping.shape(advice.velocity, velocity, at, domain.limits, domain.tick_s)
            domain.tick(velocity, advice.gripper)
        seen.append(domain.snapshot())
        if domain.succeeded():
            break
    return [seen[i] for i in np.linspace(0, len(seen) - 1, EVERY).astype(int)]


def main() -> None:
    name = sys.argv[1]
    module = domains.load(name)
    domain = module.build(TASKS[name])
    known = domains.cameras(module)
    renderer = render.Renderer(domain, module.place, {c: known[c] for c in CAMERAS[name]}, 224)
    sheets = {c: [] for c in CAMERAS[name]}

    def draw(snapshot, shift: str, seed: int) -> None:
        for camera, png in renderer.render(render.Shot(snapshot, shifts.Draw(shift, seed))).items():
            sheets[camera].append(Image.open(io.BytesIO(png)).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX))

    for seed in LEARNT:
        for s in episode(domain, module, seed):
            draw(s, shifts.NONE, seed)
    others = {seed: episode(domain, module, seed) for seed in OTHER}
    for seed, snapshots in others.items():
        for s in snapshots:
            draw(s, shifts.NONE, seed)
    for kinds in (LIGHT, PICTURE):
        for kind, (seed, snapshots) in zip(kinds, others.items(), strict=True):
            for i, s in enumerate(snapshots):
                draw(s, kind, 1000 * seed + i)
    renderer.close()
    for camera, pictures in sheets.items():
        sheet = Image.new("RGB", (ACROSS * SIDE, -(-len(pictures) // ACROSS) * SIDE))
        for i, p in enumerate(pictures):
            sheet.paste(p, (i % ACROSS * SIDE, i // ACROSS * SIDE))
        sheet.save(FOLDER / f"{name}.{camera}.jpg", quality=88)


if __name__ == "__main__":
    main()

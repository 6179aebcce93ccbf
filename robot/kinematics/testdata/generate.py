"""Writes MuJoCo's own forward kinematics and Jacobians of the arms, for the tests of robot/kinematics.

    build/venv-kitchen/bin/python robot/kinematics/testdata/generate.py published kitchen
    build/venv-metaworld/bin/python robot/kinematics/testdata/generate.py metaworld
    build/venv-rgb_stacking/bin/python robot/kinematics/testdata/generate.py rgb_stacking

`published` are the makers' numbers, compiled by MuJoCo from a URDF. The others are the models that the simulated
bridges use, which agree as far as their digits go: the tests say how far.

Each line of a file is one pose: q (7, rad), the tool's position in the base (3, m), its rotation matrix in the base
(9, row-major) and, in the first JACOBIANS lines, the Jacobian (6x7, row-major: m, then 1, per joint). The first line
names the tool's point in the flange.
"""

import importlib.util
import math
import pathlib
import sys

import mujoco
import numpy as np

HERE = pathlib.Path(__file__).parent
SEED = 20000
POSES = 1000
JACOBIANS = 100
TOOL = np.array([0.02, -0.03, 0.15])  # m, in the flange: off every axis, so that no error hides
HALF_PI, URDF_HALF_PI = math.pi / 2, 1.57079632679

# Origins of the joints and of the flange as (xyz, rpy); every joint turns about its z.
PANDA = (
    ((0, 0, 0.333), (0, 0, 0)),
    ((0, 0, 0), (-HALF_PI, 0, 0)),
    ((0, -0.316, 0), (HALF_PI, 0, 0)),
    ((0.0825, 0, 0), (HALF_PI, 0, 0)),
    ((-0.0825, 0.384, 0), (-HALF_PI, 0, 0)),
    ((0, 0, 0), (HALF_PI, 0, 0)),
    ((0.088, 0, 0), (HALF_PI, 0, 0)),
    ((0, 0, 0.107), (0, 0, 0)),
)
SAWYER = (
    ((0, 0, 0.08), (0, 0, 0)),
    ((0.081, 0.05, 0.237), (-URDF_HALF_PI, URDF_HALF_PI, 0)),
    ((0, -0.14, 0.1425), (URDF_HALF_PI, 0, 0)),
    ((0, -0.042, 0.26), (-URDF_HALF_PI, 0, 0)),
    ((0, -0.125, -0.1265), (URDF_HALF_PI, 0, 0)),
    ((0, 0.031, 0.275), (-URDF_HALF_PI, 0, 0)),
    ((0, -0.11, 0.1053), (-URDF_HALF_PI, -0.17453, 3.1416)),
    ((0, 0, 0.0245), (0, 0, 1.570796)),
)
PANDA_RANGE = (
    (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973),
    (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973),
)
SAWYER_RANGE = (
    (-3.0503, -3.8095, -3.0426, -3.0439, -2.9761, -2.9761, -4.7124),
    (3.0503, 2.2736, 3.0426, 3.0439, 2.9761, 2.9761, 4.7124),
)


def urdf(origins) -> str:
    """An arm of massive points that MuJoCo compiles."""
    link = '<link name="link{0}"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/>'
    joint = (
        '<joint name="joint{0}" type="{1}"><parent link="link{0}"/><child link="link{2}"/>'
        '<origin xyz="{3}" rpy="{4}"/><axis xyz="0 0 1"/></joint>'
    )
    parts = ['<robot name="arm"><mujoco><compiler fusestatic="false"/></mujoco>']
    parts += [link.format(i) + "</inertial></link>" for i in range(len(origins) + 1)]
    for i, origin in enumerate(origins):
        kind = "continuous" if i < len(origins) - 1 else "fixed"
        parts.append(joint.format(i, kind, i + 1, *(" ".join(map(repr, numbers)) for numbers in origin)))
    return "".join(parts) + "</robot>"


def package(name: str) -> pathlib.Path:
    """The folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise SystemExit(f"{name} is not installed here; run this with the environment of that domain")
    return pathlib.Path(spec.submodule_search_locations[0])


def kitchen():
    """Gymnasium-robotics' Panda; its joints 6 and 7 count from other zeros than the maker's."""
    path = package("gymnasium_robotics") / "envs/assets/kitchen_franka/kitchen_assets/kitchen_env_model.xml"
    shift = np.array([0, 0, 0, 0, 0, HALF_PI, HALF_PI / 2])
    names = [f"robot:panda0_joint{i}" for i in range(1, 8)]
    spec = mujoco.MjSpec.from_file(str(path))
    return spec, "panda0_link0", ("panda0_link7", (0, 0, 0.107)), names, shift


def metaworld():
    """Metaworld's Sawyer."""
    path = package("metaworld") / "assets/sawyer_xyz/sawyer_drawer.xml"
    names = [f"right_j{i}" for i in range(7)]
    return mujoco.MjSpec.from_file(str(path)), "right_arm_base_link", ("right_hand", (0, 0, 0)), names, np.zeros(7)


def rgb_stacking():
    """The Sawyer of dm_robotics_moma, which RGB stacking moves."""
    path = package("dm_robotics") / "moma/models/vendor/rethink/sawyer_description/mjcf/sawyer.xml"
    text = path.read_text().replace("class='large_joint'", "").replace("class='medium_joint'", "")
    spec = mujoco.MjSpec.from_string(text.replace("class='small_joint'", "").replace("../", f"{path.parent}/../"))
    return spec, "arm_base_link", ("hand", (0, 0, 0)), [f"right_j{i}" for i in range(7)], np.zeros(7)


def published(origins):
    """An arm as its maker publishes it."""
    spec = mujoco.MjSpec.from_string(urdf(origins))
    names = [f"joint{i}" for i in range(7)]
    return spec, "world", (f"link{len(origins)}", (0, 0, 0)), names, np.zeros(7)


def write(name: str, arm, bounds, poses: int) -> None:
    """One file of random poses inside bounds, rad."""
    spec, base, (body, flange), names, shift = arm
    spec.body(body).add_site(name="generate_tool", pos=np.array(flange) + TOOL)
    model = spec.compile()
    data = mujoco.MjData(model)
    joints = [model.joint(n) for n in names]
    lines = [f"# {name}: tool {' '.join(f'{x:g}' for x in TOOL)}"]
    for i, q in enumerate(np.random.default_rng(SEED).uniform(*bounds, size=(poses, 7)).round(4)):
        for joint, angle in zip(joints, q - shift, strict=True):
            data.qpos[joint.qposadr] = angle
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        numbers = tool(model, data, base, [j.dofadr[0] for j in joints], i < JACOBIANS)
        lines.append(" ".join([f"{x:g}" for x in q] + [f"{x:.12g}" for x in numbers]))
    (HERE / f"{name}.txt").write_text("\n".join(lines) + "\n")


def tool(model, data, base: str, dofs: list[int], with_jacobian: bool) -> np.ndarray:
    """Position, rotation and perhaps Jacobian of the tool in the base."""
    site, root = data.site("generate_tool"), data.body(base)
    turn = root.xmat.reshape(3, 3).T
    parts = [turn @ (site.xpos - root.xpos), (turn @ site.xmat.reshape(3, 3)).ravel()]
    if with_jacobian:
        linear, angular = np.zeros((3, model.nv)), np.zeros((3, model.nv))
        mujoco.mj_jacSite(model, data, linear, angular, site.id)
        parts += [(turn @ linear[:, dofs]).ravel(), (turn @ angular[:, dofs]).ravel()]
    return np.concatenate(parts)


def main() -> None:
    """Writes what the arguments name."""
    for source in sys.argv[1:] or ["published"]:
        match source:
            case "published":
                write("panda", published(PANDA), PANDA_RANGE, POSES)
                write("sawyer", published(SAWYER), SAWYER_RANGE, POSES)
            case "kitchen":
                write("kitchen", kitchen(), PANDA_RANGE, POSES // 5)
            case "metaworld":
                write("metaworld", metaworld(), SAWYER_RANGE, POSES // 5)
            case "rgb_stacking":
                write("rgb_stacking", rgb_stacking(), SAWYER_RANGE, POSES // 5)
            case _:
                raise SystemExit(f"{source!r} is none of published, kitchen, metaworld, rgb_stacking")


if __name__ == "__main__":
    main()

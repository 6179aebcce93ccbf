"""What there is to see on the rig to practise calibration on: an arm of the Panda's lengths, a board, a camera.

What belongs here: MuJoCo's model, and where the things in it are. What does not: how they move (calibration.py).
Every place is a pair of a position, m, and a rotation matrix: p_outer = R * p_inner + position.
"""

import math

import mujoco
import numpy as np

from . import png

# A Panda by frankaemika/docs 1da6bd3, "Denavit-Hartenberg parameters" in Craig's convention: a, d (m), alpha (rad).
DH = (
    (0.0, 0.333, 0.0),
    (0.0, 0.0, -math.pi / 2),
    (0.0, 0.316, math.pi / 2),
    (0.0825, 0.0, math.pi / 2),
    (-0.0825, 0.384, -math.pi / 2),
    (0.0, 0.0, math.pi / 2),
    (0.088, 0.0, math.pi / 2),
)
FLANGE = 0.107  # m, along the z of joint 7

COLUMNS, ROWS, SQUARE = 7, 5, 0.03  # inner corners, m
MARGIN = 1  # squares of white around the outer ones
TEXELS = 64  # of a square's side
FOVY = 50.0  # degrees
CAMERA = "default"


def turned(x: float, y: float, z: float) -> np.ndarray:
    """A rotation about the fixed axes x, y, z, in this order, by degrees."""
    out = np.eye(3)
    for angle, (i, j) in ((x, (1, 2)), (y, (2, 0)), (z, (0, 1))):
        s, c = math.sin(math.radians(angle)), math.cos(math.radians(angle))
        step = np.eye(3)
        step[i, i], step[i, j], step[j, i], step[j, j] = c, -s, s, c
        out = step @ out
    return out


# Where the camera is: its optical frame, x right, y down, z forward. The truth that a calibration must find.
CAMERA_ON_FLANGE = np.array([0.06, -0.035, 0.045]), turned(4.0, -6.0, 37.0)
CAMERA_IN_BASE = np.array([0.95, 0.05, 0.52]), turned(3.0, -4.0, 2.0) @ np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]])
# The board's middle, its z into the board, where it does not move by itself. The hand is turned by -45 degrees.
BOARD_ON_TABLE = np.array([0.37, 0.02, 0.03]), turned(180.0, 0.0, 8.0)
BOARD_ON_FLANGE = (
    turned(0.0, 0.0, -45.0) @ [0.09, 0.0, 0.12],
    turned(0.0, 0.0, -45.0) @ np.array([[0, 0, -1], [-1, 0, 0], [0, 1, 0]]) @ turned(5.0, 4.0, 3.0),
)


def model(task: str) -> mujoco.MjModel:
    """The scene of a task: lens, eye_in_hand or eye_to_hand."""
    eye, held = "", ""
    if task == "eye_in_hand":
        eye = _camera(CAMERA_ON_FLANGE)
    if task == "eye_to_hand":
        held = _board(BOARD_ON_FLANGE, "")
    arm = "" if task == "lens" else _arm(eye + held)
    floor = "" if task == "lens" else '<geom type="plane" size="3 3 .1" material="floor"/>'
    around = {
        "lens": _camera((np.array([0.0, 0.0, 0.0]), np.eye(3)))
        + _board((np.array([0, 0, 0.5]), np.eye(3)), 'mocap="true"'),
        "eye_in_hand": _board(BOARD_ON_TABLE, ""),
        "eye_to_hand": _camera(CAMERA_IN_BASE),
    }[task]
    text = f"""<mujoco><compiler angle="radian"/><visual><headlight ambient=".45 .45 .45" diffuse=".45 .45 .45"
      specular="0 0 0"/><map znear=".02" zfar="30"/><quality offsamples="0"/></visual><asset>
      <texture name="board" type="2d" file="board.png"/><material name="board" texture="board" specular="0"/>
      <texture name="floor" type="2d" builtin="flat" rgb1=".55 .5 .45" width="8" height="8"/>
      <texture name="sky" type="skybox" builtin="gradient" rgb1=".6 .65 .7" rgb2=".3 .33 .36" width="64" height="64"/>
      <material name="floor" texture="floor" specular="0"/></asset>
      <worldbody>{floor}{around}{arm}</worldbody></mujoco>"""
    return mujoco.MjModel.from_xml_string(text, {"board.png": png.encode(texture())})


def texture() -> np.ndarray:
    """The board's picture, RGB: squares around all inner corners, on white."""
    columns, rows = COLUMNS + 1 + 2 * MARGIN, ROWS + 1 + 2 * MARGIN
    across, down = np.meshgrid(np.arange(columns), np.arange(rows))
    inside = (across >= MARGIN) & (across < columns - MARGIN) & (down >= MARGIN) & (down < rows - MARGIN)
    dark = inside & ((across + down) % 2 == 0)
    grey = np.where(dark, 25, 235).astype(np.uint8)
    return np.repeat(np.kron(grey, np.ones((TEXELS, TEXELS), np.uint8))[..., None], 3, axis=2)


def corners() -> np.ndarray:
    """The corners of the outermost squares, shape (4, 3), from the board's middle, m."""
    x, y = 0.5 * (COLUMNS + 1) * SQUARE, 0.5 * (ROWS + 1) * SQUARE
    return np.array([[-x, -y, 0], [x, -y, 0], [x, y, 0], [-x, y, 0]])


def _board(place, how: str) -> str:
    width, height = (COLUMNS + 1 + 2 * MARGIN) * SQUARE, (ROWS + 1 + 2 * MARGIN) * SQUARE
    return (
        f'<body name="board" {how} {_at(*place)}>'
        f'<geom type="box" size="{width / 2} {height / 2} .002" material="board"/></body>'
    )


def _camera(place) -> str:
    position, rotation = place
    # MuJoCo's cameras look along -z, with y up.
    return f'<camera name="{CAMERA}" fovy="{FOVY}" {_at(position, rotation @ np.diag([1.0, -1.0, -1.0]))}/>'


def _arm(carried: str) -> str:
    """Bodies in each other, base to tip; the last one is the flange."""
    drawn = '<geom type="cylinder" size=".04 .01" rgba=".2 .2 .2 1"/>'
    text = f'<body name="flange" pos="0 0 {FLANGE}">{drawn}{carried}</body>'
    for number in range(len(DH), 0, -1):
        a, d, alpha = DH[number - 1]
        rotation = turned(math.degrees(alpha), 0.0, 0.0)
        drawn = f'<geom type="cylinder" size=".055 .06" rgba=".92 .92 .92 1"/>{_link(number)}'
        joint = f'<joint name="joint{number}" axis="0 0 1"/>'
        text = f"<body {_at(rotation @ [a, 0.0, d], rotation)}>{joint}{drawn}{text}</body>"
    return f'<body name="base"><geom type="cylinder" size=".08 .07" pos="0 0 .07" rgba=".92 .92 .92 1"/>{text}</body>'


def _link(number: int) -> str:
    """What leads from a joint to the next, to be seen."""
    if number == len(DH):
        return f'<geom type="capsule" size=".04" fromto="0 0 0 0 0 {FLANGE}" rgba=".85 .85 .87 1"/>'
    a, d, alpha = DH[number]
    x, y, z = turned(math.degrees(alpha), 0.0, 0.0) @ [a, 0.0, d]
    if math.hypot(x, y, z) < 0.01:
        return ""
    return f'<geom type="capsule" size=".05" fromto="0 0 0 {x} {y} {z}" rgba=".85 .85 .87 1"/>'


def _at(position, rotation) -> str:
    numbers = [" ".join(repr(float(x)) for x in values) for values in (position, quaternion(rotation))]
    return 'pos="{}" quat="{}"'.format(*numbers)


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """Of a rotation matrix: unit, w first."""
    out = np.zeros(4)
    mujoco.mju_mat2Quat(out, np.asarray(rotation, float).flatten())
    return out

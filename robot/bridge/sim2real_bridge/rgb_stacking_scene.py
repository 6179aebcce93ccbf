"""The scene of RGB stacking: Sawyer, gripper, basket and three objects, from their makers' models.

What belongs here: which models stand where, and the names of what others need of them. What does not: motion, starts,
success. Where things stand and the physics step are the RGB-stacking benchmark's (google-deepmind/rgb_stacking 794c343,
task.py and environment.py), whose own task needs packages that cannot be had any more.
"""

import dataclasses

import mujoco
import numpy as np
from dm_control import composer
from dm_robotics.manipulation.props.rgb_objects import rgb_object
from dm_robotics.manipulation.standard_cell import rgb_basket
from dm_robotics.moma.models.arenas import empty
from dm_robotics.moma.models.end_effectors.robot_hands import robotiq_2f85
from dm_robotics.moma.models.end_effectors.wrist_sensors import robotiq_fts300
from dm_robotics.moma.models.robots.robot_arms import sawyer

# The benchmark's test triplets: red is to be put on blue, green is in the way.
TRIPLETS = {
    "triplet1": ("r3", "s0", "b2"),
    "triplet2": ("r5", "g2", "b3"),
    "triplet3": ("r6", "g3", "b5"),
    "triplet4": ("s0", "g5", "b6"),
    "triplet5": ("r2", "g6", "s0"),
}
COLOURS = ("red", "green", "blue")
BASKET_POSITION = (0.6, 0.0, 0.0498)  # m, of the middle of its floor, from the arm's base, which is the world's origin
FLOOR = BASKET_POSITION[2]  # m
PHYSICS_STEP_S = 0.0005
JOINTS = 7
ROBOT = "robot0/"
GRIPPER = ROBOT + "robotiq_fts300/robotiq_2f85/"
GRIPPER_CLOSED = 255.0  # of its actuator; 0 is open
DRIVER_CLOSED = 0.8  # rad, of the joint that drives a finger
FINGER_WIDTH_OPEN = 0.085  # m, between the fingertips
RGBA = ((1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1))


def build(task: str) -> mujoco.MjModel:
    """The model of a task, a name of TRIPLETS. Gravity is compensated for arm and gripper, as it is on the real arm."""
    arena = empty.Arena()
    middle = arena.mjcf_model.worldbody.add("site", name="basket_middle", pos=BASKET_POSITION, rgba=(0, 0, 0, 0))
    arena.attach(rgb_basket.RGBBasket(), middle)
    arena.attach(robot())
    for identifier, colour, rgba in zip(TRIPLETS[task], COLOURS, RGBA, strict=True):
        arena.add_free_entity(rgb_object.RgbObjectProp(obj_id=identifier, color=rgba, name=colour))
    root = arena.mjcf_model
    root.option.timestep = PHYSICS_STEP_S
    # dm_control's own schema does not know gravcomp.
    spec = mujoco.MjSpec.from_string(root.to_xml_string(), assets=root.get_assets())
    for body in spec.bodies:
        body.gravcomp = float(body.name.startswith(ROBOT))
    for actuator in spec.actuators:
        clamp(actuator)
    find_contacts(spec.option)
    return spec.compile()


def robot() -> composer.Entity:
    """Sawyer with its wrist sensor and the Robotiq 2F-85."""
    arm, sensor = sawyer.Sawyer(name=ROBOT.rstrip("/")), robotiq_fts300.RobotiqFTS300()
    sensor.attach(robotiq_2f85.Robotiq2F85())
    arm.attach(sensor)
    return arm


def find_contacts(option) -> None:
    """Several points for each pair of objects that touch, where MuJoCo's default is one.

    On one point that wanders from corner to corner a block lying on the floor never comes to rest: it rattles at
    0.3 rad/s and creeps, by 18 mm in half a second in one start. With several it lies still. Of MuJoCo's two ways of
    finding them the one named libccd is the calmer, by a factor of ten.
    """
    option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_MULTICCD)
    option.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_NATIVECCD)


def clamp(actuator) -> None:
    """Bounds what an actuator integrates to: the gripper's to its sense; an arm's joint is bounded by the domain."""
    if actuator.name.startswith(GRIPPER):
        actuator.actlimited = True
        actuator.actrange = (0.0, GRIPPER_CLOSED)


@dataclasses.dataclass(frozen=True)
class Handles:
    """Where the scene's parts are in the model's arrays."""

    tool: int  # site between the fingertips: z out of the hand, fingers opening along y
    bodies: dict[str, int]  # of the objects, by colour
    positions: dict[str, int]  # of the objects' seven coordinates in qpos, by colour
    robot: frozenset[int]  # geoms of arm and gripper
    ground: frozenset[int]  # geoms of floor and basket
    driver: int  # in qpos, of a finger
    geoms: dict[str, int]  # of what the objects collide with, by colour


def handles(model: mujoco.MjModel) -> Handles:
    """Looks them up."""
    names = [model.geom(i).name for i in range(model.ngeom)]
    # The basket's meshes are unnamed and only seen.
    solid = [i for i in range(model.ngeom) if model.geom_contype[i] or model.geom_conaffinity[i]]
    return Handles(
        tool=model.site(GRIPPER + "pinch_site").id,
        bodies={c: model.body(c + "/").id for c in COLOURS},
        positions={c: int(model.jnt_qposadr[model.joint(c + "/").id]) for c in COLOURS},
        robot=frozenset(i for i in solid if names[i].startswith(ROBOT)),
        ground=frozenset(i for i in solid if names[i] == "ground" or names[i].startswith("base/")),
        driver=int(model.jnt_qposadr[model.joint(GRIPPER + "left_driver_joint").id]),
        geoms={c: model.geom(f"{c}/mesh_{c}_00_collision").id for c in COLOURS},
    )


def touched_by(data: mujoco.MjData, geom: int) -> frozenset[int]:
    """The geoms in contact with one."""
    pairs = data.contact.geom[data.contact.dist <= 0.0]
    with_it = pairs[np.any(pairs == geom, axis=1)]
    return frozenset(int(other) for other in with_it.ravel() if other != geom)

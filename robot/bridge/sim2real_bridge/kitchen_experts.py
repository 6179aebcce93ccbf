"""Which kitchen task has which scripted expert, and which views it is seen from.

What belongs here: the tables. What does not: any expert's geometry (kitchen_expert_*.py).
"""

from . import kitchen_expert_push as push
from .kitchen_expert_grasp import MicrowaveExpert
from .render import Camera

# By our names of kitchen_tasks.TASKS; each is built with the model.
EXPERTS = {
    "slide": push.SlideExpert,
    "light": push.LightExpert,
    "hinge": push.HingeExpert,
    "burner": push.BottomBurnerExpert,
    "burner_top": push.TopBurnerExpert,
    "microwave": MicrowaveExpert,
}

DEFAULT_CAMERA = "default"
CAMERAS = {
    # From the right and above: the hand in profile, handles, switch and knobs before it, nothing between, and the whole
    # arm, all within the picture wherever a preset puts the kitchen.
    "default": Camera(lookat=(-0.26, 0.36, 2.34), distance=1.35, azimuth=140.0, elevation=-16.0),
    # The environment's own view.
    "environment": Camera(lookat=(-0.2, 0.5, 2.0), distance=2.2, azimuth=70.0, elevation=-35.0),
    # The literature's views (R3M's fork of mj_envs, relay_kitchen/assets/franka_kitchen.xml): cameras at
    # (-1.4, -1.0, 1.8) and (1.3, -0.7, 3.4) aimed at knob 1 and at the microwave. There they turn after those as the
    # kitchen is put elsewhere, which tells where it is; here they stand still, aimed at where those stand unshifted.
    "left_cap2": Camera(lookat=(-0.133, 0.678, 2.226), distance=2.145, azimuth=52.94, elevation=11.46),
    "right_cap2": Camera(lookat=(-0.85, 0.725, 1.6), distance=3.144, azimuth=146.46, elevation=-34.92),
}

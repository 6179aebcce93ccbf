"""Shifts: what a name and a seed do to pictures, arm and messages, and that `none` does nothing."""

import json
import types

import mujoco
import numpy as np
import pytest
from PIL import Image

from sim2real_bridge import canvas, contract, domain, shift_arm, shift_picture, shift_scene, shifts
from sim2real_bridge import kitchen as kitchen_module
from sim2real_bridge.disturbance import Disturbance
from sim2real_bridge.shifts import Draw

SIZE = 32
SCENE_KINDS = (shift_scene.CameraPose, shift_scene.Light, shift_scene.Texture)
PICTURE_KINDS = (shift_picture.Blur, shift_picture.Colour, shift_picture.Noise)
ARM_KINDS = (shift_arm.ActionDelay, shift_arm.DroppedFrames, shift_arm.JointOffset, shift_arm.Friction)


def of(name, *types):
    """What a name may do, of these types."""
    return [kind for kind in shifts.SHIFTS[name] if isinstance(kind, types)]


SEEN = [name for name in shifts.SHIFTS if of(name, *SCENE_KINDS, *PICTURE_KINDS)]
OF_THE_ARM = [name for name in shifts.SHIFTS if of(name, *ARM_KINDS)]
TRAINING = ("randomised", "randomised_each_step")
STRONG = [name for name in shifts.SHIFTS if name.endswith(shifts.STRONG)]

# Two boxes and a floor: one wears a material with a texture, one a material alone, the floor a texture of its own.
SCENE = """
<mujoco>
  <asset>
    <texture name="cloth" type="2d" builtin="flat" rgb1="0.2 0.4 0.6" width="32" height="32"/>
    <texture name="tiles" type="2d" builtin="checker" rgb1="0.1 0.1 0.1" rgb2="0.9 0.9 0.9" width="32" height="32"/>
    <texture name="sky" type="skybox" builtin="gradient" rgb1="0.3 0.5 0.7" rgb2="0 0 0" width="16" height="16"/>
    <material name="clothed" texture="cloth"/> <material name="plain" rgba="0.5 0.6 0.7 1"/>
    <material name="tiled" texture="tiles"/>
  </asset>
  <worldbody>
    <light pos="0 0 3" dir="0 0 -1"/>
    <geom name="floor" type="plane" size="2 2 0.1" material="tiled"/>
    <body name="kept"><geom name="kept" type="box" size="0.2 0.2 0.2" material="clothed" rgba="1 0 0 1"/></body>
    <body name="other" pos="0.6 0 0"><geom name="other" type="box" size="0.2 0.2 0.2" material="plain"/></body>
  </worldbody>
</mujoco>
"""


@pytest.fixture(scope="module")
def drawn(kitchen):
    """A canvas of the kitchen at one start."""
    kitchen.reset("slide", 1, "none")
    out = canvas.Canvas(kitchen, kitchen_module.place, {"default": kitchen_module.CAMERAS["default"]}, SIZE)
    out.put(kitchen.snapshot())
    yield out
    out.close()


def picture(drawn, name, seed, step=0):
    drawn.dress(Draw(name, seed))
    return drawn.picture("default", step)


def difference(a, b):
    return float(np.mean(np.abs(a.astype(float) - b)))


def test_every_name_is_one_kind_of_thing_or_training():
    assert set(SEEN) | set(OF_THE_ARM) | {shifts.NONE} == set(shifts.SHIFTS)
    assert not set(SEEN) & set(OF_THE_ARM)
    assert {name.removesuffix(shifts.STRONG) for name in STRONG} == set(shifts.SHIFTS) - {
        *STRONG,
        shifts.NONE,
        *TRAINING,
    }
    json.dumps(shifts.message())


@pytest.mark.parametrize("name", [name for name in shifts.SHIFTS if name != shifts.NONE])
def test_a_draw_for_training_leaves_each_kind_out_by_half_and_no_other_draw_does(name):
    kinds = shifts.SHIFTS[name]
    drawn = [tuple(Draw(name, seed).at(3).kinds(object)) for seed in range(400)]
    if name not in TRAINING:
        assert set(drawn) == {kinds}
        return
    assert len(set(drawn)) == 2 ** len(kinds), "every combination, none at all among them"
    for kind in kinds:
        assert np.mean([kind in d for d in drawn]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("name", SEEN)
def test_what_is_seen_depends_on_name_and_seed_alone(drawn, name):
    """Whatever was worn before; and another seed, and no shift, look otherwise."""
    plain = picture(drawn, shifts.NONE, 0)
    first = picture(drawn, name, 3)
    assert not np.array_equal(first, plain)
    if not name.startswith("blur"):  # which draws nothing
        assert not np.array_equal(picture(drawn, name, 4), first)
    picture(drawn, "randomised", 9)
    assert np.array_equal(picture(drawn, name, 3), first)
    assert np.array_equal(picture(drawn, shifts.NONE, 0), plain), "it leaves traces"


@pytest.mark.parametrize("name", ["light_strong", "texture"])
def test_dressing_and_putting_may_come_in_any_order(drawn, kitchen, name):
    """Lights are turned, not only brighter or darker, in the next picture already."""
    picture(drawn, shifts.NONE, 0)
    first = picture(drawn, name, 3)
    drawn.put(kitchen.snapshot())
    assert np.array_equal(picture(drawn, name, 3), first)


@pytest.mark.parametrize("name", [shifts.NONE, *OF_THE_ARM])
def test_what_cannot_be_seen_changes_no_bit_of_a_picture(drawn, name):
    plain = picture(drawn, shifts.NONE, 0)
    picture(drawn, "texture", 3)
    assert np.array_equal(picture(drawn, name, 7, step=5), plain)


@pytest.mark.parametrize("name", [name for name in STRONG if name in SEEN])
def test_strong_is_seen_more(drawn, name):
    """On average over seeds: one light more may leave a picture where it was clipped."""
    plain = picture(drawn, shifts.NONE, 0)
    mild = [difference(picture(drawn, name.removesuffix(shifts.STRONG), seed), plain) for seed in range(4)]
    strong = [difference(picture(drawn, name, seed), plain) for seed in range(4)]
    assert np.mean(strong) > 1.2 * np.mean(mild) > 0.0


def test_strong_moves_the_camera_the_same_way(drawn):
    """The same direction, further."""
    poses = []
    for name in (shifts.NONE, "camera_pose", "camera_pose_strong"):
        drawn.dress(Draw(name, 5))
        poses.append(np.array(drawn.describe("default")["position_m"]))
    mild, strong = poses[1] - poses[0], poses[2] - poses[0]
    assert 0.02 <= np.linalg.norm(mild) <= 0.04 + 1e-5
    assert 0.04 <= np.linalg.norm(strong) <= 0.08 + 1e-5
    assert mild @ strong / (np.linalg.norm(mild) * np.linalg.norm(strong)) > 0.999


def test_noise_is_new_in_every_picture_and_colour_is_not(drawn):
    assert not np.array_equal(picture(drawn, "noise", 3, step=1), picture(drawn, "noise", 3, step=2))
    assert np.array_equal(picture(drawn, "colour", 3, step=1), picture(drawn, "colour", 3, step=2))


def test_blur_and_noise_are_as_large_as_they_say():
    edge = np.zeros((100, 100, 3), np.uint8)
    edge[:, 50:] = 255
    still = np.random.default_rng(0)
    grey = np.full((100, 100, 3), 128, np.uint8)
    noisy = shift_picture.Noise(0.1).alter(grey, still, np.random.default_rng(1))
    assert np.std(noisy) == pytest.approx(25.5, rel=0.03)
    assert np.mean(noisy) == pytest.approx(128, abs=0.5)
    blurred = shift_picture.Blur(0.03).alter(edge, still, still)[50, :, 0] / 255.0
    slope = np.gradient(blurred)
    deviation = np.sqrt(np.sum(slope * (np.arange(100) - 49.5) ** 2) / slope.sum())
    assert deviation == pytest.approx(3.0, rel=0.15)
    assert Image.fromarray(edge).size == (100, 100)


@pytest.mark.parametrize("name", ["texture", "texture_strong", "randomised"])
def test_what_the_task_tells_apart_by_colour_is_not_repainted(name):
    """Neither its colour nor its material's nor its texture; and all else is, just as if nothing had been spared."""
    model, free = mujoco.MjModel.from_xml_string(SCENE), mujoco.MjModel.from_xml_string(SCENE)
    own = mujoco.MjModel.from_xml_string(SCENE)
    kept = model.geom("kept").id
    for seed in range(3):
        kinds = of(name, shift_scene.Texture)
        changed = shift_scene.Wardrobe(model, np.array([kept])).wear(
            [(k, Draw(name, seed).stream(k.kind)) for k in kinds]
        )
        shift_scene.Wardrobe(free, np.array([], int)).wear([(k, Draw(name, seed).stream(k.kind)) for k in kinds])
        clothed, plain = model.mat("clothed").id, model.mat("plain").id
        assert np.array_equal(model.geom_rgba[kept], own.geom_rgba[kept])
        assert np.array_equal(model.mat_rgba[clothed], own.mat_rgba[clothed])
        assert np.array_equal(texels(model, "cloth"), texels(own, "cloth"))
        assert np.array_equal(texels(model, "sky"), texels(own, "sky"))
        assert changed == {model.tex("tiles").id}
        assert not np.array_equal(texels(model, "tiles"), texels(own, "tiles"))
        assert not np.array_equal(free.geom_rgba[kept], own.geom_rgba[kept]), "nothing would have been repainted"
        assert not np.array_equal(model.mat_rgba[plain], own.mat_rgba[plain])
        assert np.array_equal(model.mat_rgba[plain], free.mat_rgba[plain])
        for table, source in zip(shift_scene.appearance(model), shift_scene.appearance(own), strict=True):
            table[:] = source
        for table, source in zip(shift_scene.appearance(free), shift_scene.appearance(own), strict=True):
            table[:] = source


def texels(model, name):
    t = model.tex(name).id
    size = model.tex_height[t] * model.tex_width[t] * model.tex_nchannel[t]
    return model.tex_data[model.tex_adr[t] : model.tex_adr[t] + size]


# --- the arm's side


@pytest.mark.parametrize("name", [shifts.NONE, *SEEN])
def test_what_is_only_seen_leaves_the_arm_alone(kitchen, name):
    disturbance = Disturbance(Draw(name, 3), kitchen)
    command = sent(1)
    assert not np.any(disturbance.offset)
    assert disturbance.arriving(command, 0) is command
    assert disturbance.arriving(None, 1) is None
    assert not any(disturbance.repeats(step) for step in range(50))
    assert disturbance._before == ()


def sent(seq):
    """A command as the arm's side sees it."""
    return types.SimpleNamespace(identity=contract.Identity("0" * 16, seq))


@pytest.mark.parametrize(("name", "offset_rad"), [("joint_offset", 1), ("joint_offset_strong", 2)])
def test_joints_are_misread_by_as_much(kitchen, name, offset_rad):
    draws = np.array([Disturbance(Draw(name, seed), kitchen).offset for seed in range(200)])
    assert np.abs(draws).max() == pytest.approx(np.radians(offset_rad), rel=0.05)
    assert np.array_equal(draws[3], Disturbance(Draw(name, 3), kitchen).offset)
    assert np.all(np.abs(draws.mean(axis=0)) < np.radians(offset_rad) / 5)


def test_strong_goes_further_the_same_way_on_the_arm_too(kitchen):
    for seed in range(20):
        mild, strong = (Disturbance(Draw(n, seed), kitchen) for n in ("joint_offset", "joint_offset_strong"))
        assert np.allclose(strong.offset, 2.0 * mild.offset, rtol=1e-2)
        steps = range(200)
        mild, strong = (Disturbance(Draw(n, seed), kitchen) for n in ("dropped_frames", "dropped_frames_strong"))
        lost, more = ({s for s in steps if d.repeats(s)} for d in (mild, strong))
        assert lost < more
        factors = []
        for name in ("friction", "friction_strong"):
            before = kitchen.model.geom_friction[0, 0]
            disturbance = Disturbance(Draw(name, seed), kitchen)
            factors.append(float(np.log(kitchen.model.geom_friction[0, 0] / before)))
            disturbance.undo()
        assert factors[0] * factors[1] > 0.0
        assert np.log(1.5) - 1e-6 <= abs(factors[0]) < abs(factors[1]) <= np.log(4.0) + 1e-6


def test_dropped_frames_are_as_many_as_they_say(kitchen):
    for name, share in (("dropped_frames", 0.2), ("dropped_frames_strong", 0.5)):
        disturbance = Disturbance(Draw(name, 1), kitchen)
        lost = [disturbance.repeats(step) for step in range(2000)]
        assert np.mean(lost) == pytest.approx(share, abs=0.03)
        assert not lost[0], "there is no picture before the first"


def test_friction_is_undone(kitchen):
    before = [table.copy() for table in shift_arm.friction(kitchen.model)]
    disturbance = Disturbance(Draw("friction_strong", 1), kitchen)
    changed = zip(shift_arm.friction(kitchen.model), before, strict=True)
    assert any(not np.array_equal(table, old) for table, old in changed)
    disturbance.undo()
    disturbance.undo()
    assert all(np.array_equal(t, old) for t, old in zip(shift_arm.friction(kitchen.model), before, strict=True))


def test_a_delayed_command_arrives_so_many_ticks_later_and_silence_at_once():
    line = shift_arm.DelayLine(3)
    a, b = sent(1), sent(2)
    came = [line.pass_on(command, tick) for tick, command in enumerate([a, a, b, b, b, b])]
    assert came == [None, None, None, a, a, b]
    assert line.pass_on(None, 6) is None
    assert line.pass_on(a, 7) is None, "what was on its way before the silence is gone"
    assert [line.pass_on(a, tick) for tick in (8, 9, 10)] == [None, None, a]


@pytest.mark.parametrize(("name", "delay_s"), [("action_delay", 0.08), ("action_delay_strong", 0.16)])
def test_commands_reach_the_arm_late_in_whole_ticks(kitchen, name, delay_s):
    disturbance, command = Disturbance(Draw(name, 1), kitchen), sent(1)
    came = [disturbance.arriving(command, tick) for tick in range(40)]
    assert came.index(command) == round(delay_s / kitchen.tick_s)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(domain.RefusedError, match="none, camera_pose"):
        shifts.check("cammera")

"""The dataset as Go reads it. Needs no torch."""

import dataclasses
import shutil

import numpy
import pytest
from sim2real_torch import TrainingError, demonstrations, tensorfile


def test_digest_is_go_s(data, expected):
    assert data.digest == expected.metadata["digest"]
    assert [e.success for e in data.episodes] == [True, False, True]
    assert [e.seed for e in data.episodes] == [7, 100000007, 200000007]


def test_statistics_and_labels_are_go_s(data, expected):
    good = [e for e in data.episodes if e.success]
    action = demonstrations.moments(numpy.concatenate([data.labels(e) for e in good]), demonstrations.ACTION_FLOOR)
    proprio = demonstrations.moments(numpy.concatenate([e.q for e in good]), demonstrations.PROPRIO_FLOOR)
    numpy.testing.assert_array_max_ulp(expected.tensors["action"].array(), numpy.stack(action), 1)
    numpy.testing.assert_array_max_ulp(expected.tensors["proprio"].array(), numpy.stack(proprio), 1)
    targets, weights = (
        numpy.concatenate(part)
        for part in zip(*(demonstrations.chunks(data.labels(e), *action, 3) for e in good), strict=True)
    )
    numpy.testing.assert_allclose(targets, expected.tensors["targets"].array(), rtol=1e-6)
    numpy.testing.assert_array_equal(weights, expected.tensors["weights"].array())
    assert 0 < weights.mean() < 1


def test_labels_that_go_wrote_are_read(data, folder):
    """Of the joints' velocities, which this package takes from the dataset itself."""
    learned = demonstrations.learn(data, folder.parent / "labels.safetensors")
    assert learned.action["dimensions"] == data.action["dimensions"]
    for episode in (e for e in data.episodes if e.success):
        numpy.testing.assert_array_equal(learned.labels(episode), data.labels(episode))
    with pytest.raises(TrainingError, match="they are of dataset sha256"):
        demonstrations.learn(dataclasses.replace(data, digest="sha256:other"), folder.parent / "labels.safetensors")


def test_labels_of_the_daemon_are_what_is_learned(data, labels):
    learned = demonstrations.learn(data, labels)
    assert learned.action["dimensions"] == ["vx", "gripper"] != data.action["dimensions"]
    for episode in (e for e in data.episodes if e.success):
        assert learned.labels(episode).tolist() == [[0.25, step] for step in range(len(episode))]
    assert data.labels(data.episodes[0]).shape == (len(data.episodes[0]), 3)


@pytest.mark.parametrize(
    ("rows", "action", "says"),
    [
        ({"7": numpy.zeros((4, 2))}, '{"dimensions": ["vx", "gripper"]}', "KeyError('200000007')"),
        ({"7": numpy.zeros((3, 2))}, '{"dimensions": ["vx", "gripper"]}', "are (3, 2)"),
        ({"7": numpy.full((4, 2), numpy.nan)}, '{"dimensions": ["vx", "gripper"]}', "not finite"),
        ({"7": numpy.zeros((4, 2))}, "{}", "dimensions"),
        ({"7": numpy.zeros((4, 2))}, "{", "JSONDecodeError"),
    ],
)
def test_labels_of_something_else_are_refused(tmp_path, data, rows, action, says):
    tensorfile.write(
        tmp_path / "other.safetensors", rows, {demonstrations.LABELS: action, demonstrations.OF: data.digest}
    )
    with pytest.raises(TrainingError) as error:
        demonstrations.learn(data, tmp_path / "other.safetensors")
    assert says in str(error.value) and "\n" not in str(error.value)


def test_split_leaves_one_to_train_on():
    for count, share, held in ((10, 0.1, 1), (10, 0, 0), (1, 0.9, 0), (2, 0.9, 1), (3, 0.5, 2)):
        assert sum(demonstrations.split(count, share, 0)) == held, (count, share)
    assert demonstrations.split(20, 0.5, 1) == demonstrations.split(20, 0.5, 1) != demonstrations.split(20, 0.5, 2)


def spoil_byte(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: spoil_byte(next((folder / "episodes").iterdir())), "digest is not what it says"),
        (lambda folder: next((folder / "episodes").iterdir()).write_bytes(b"x"), "not a safetensors file"),
        (lambda folder: (folder / "dataset.json").write_text("[]"), "collect the dataset again"),
        (lambda folder: (folder / "dataset.json").write_text("{"), "collect the dataset again"),
        (
            lambda f: (f / "dataset.json").write_text((f / "dataset.json").read_text().replace('ion": 1', 'ion": 3')),
            "version 3",
        ),
    ],
)
def test_refuses_damage_in_one_line(tmp_path, folder, spoil, says):
    copy = tmp_path / "dataset"
    shutil.copytree(folder, copy)
    spoil(copy)
    with pytest.raises(TrainingError) as error:
        demonstrations.load(copy)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_other_files_are_let_be(tmp_path, folder, data):
    copy = tmp_path / "dataset"
    shutil.copytree(folder, copy)
    for name in (".seed-00000001.safetensors.123", "seed-000000009.safetensors", "notes.txt"):
        (copy / "episodes" / name).write_text("x")
    assert demonstrations.load(copy).digest == data.digest

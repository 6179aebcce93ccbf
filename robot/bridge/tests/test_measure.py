"""The measuring of experts: rows that a run adds once, and figures."""

import json

import pytest

from sim2real_bridge import measure


@pytest.fixture
def rows(tmp_path):
    """Measures the sliding door's expert, a few seeds without jitter; gives the rows of the file."""

    def run(*more, folder=tmp_path):
        argv = ["--domain", "kitchen", "--tasks", "slide", "--jitter", "none", "--out", str(folder)]
        assert measure.main([*argv, *more]) == 0
        return measure.read(folder / "kitchen.jsonl")

    return run


def test_a_row_is_measured_once_and_alike_again(rows, tmp_path, capsys):
    first = rows("--seeds", "2")
    assert "2 of 2" in capsys.readouterr().out
    assert (first[0]["successes"], first[0]["failed_seeds"], first[0]["task"]) == (2, [], "slide")
    assert first[0]["software"]["mujoco"]
    assert rows("--seeds", "2") == first
    assert capsys.readouterr().out == "", "it was measured again"
    longer = rows("--seeds", "3")
    assert longer[0] == first[0]
    assert (len(longer), longer[1]["episodes"]) == (2, 3)
    again = rows("--seeds", "2", folder=tmp_path / "again")
    assert again[0]["outcomes"] == first[0]["outcomes"]


def test_a_run_that_was_ended_goes_on_where_it_was(rows, tmp_path):
    rows("--seeds", "1")
    path = tmp_path / "kitchen.jsonl"
    kept = path.read_text()
    measure.main(
        ["--domain", "kitchen", "--tasks", "slide", "light", "--jitter", "none", "--seeds", "1", "--out", str(tmp_path)]
    )
    assert path.read_text().startswith(kept)
    assert [json.loads(line)["task"] for line in path.read_text().splitlines()] == ["slide", "light"]


def test_failures_are_named_and_what_never_succeeds_has_no_time():
    outcomes = [measure.Outcome(10, b"a"), measure.Outcome(0, b"b"), measure.Outcome(30, b"c")]
    got = measure.summary(range(5, 8), outcomes, 0.1)
    assert (got["successes"], got["failed_seeds"], got["median_s"]) == (2, [6], 2.0)
    assert measure.summary(range(5, 6), outcomes[1:2], 0.1)["median_s"] is None
    assert measure.summary(range(5, 8), outcomes[::-1], 0.1)["outcomes"] != got["outcomes"]


# Wilson's interval by the tables of Newcombe 1998 (81 of 263, 15 of 148, 0 of 20).
@pytest.mark.parametrize(
    ("successes", "episodes", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_the_interval_is_wilsons(successes, episodes, low, high):
    assert measure.wilson(successes, episodes) == pytest.approx((low, high), abs=1e-4)


def test_the_table_has_a_line_for_each_row(rows, tmp_path, capsys):
    rows("--seeds", "1")
    capsys.readouterr()
    assert measure.main(["--table", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert (tmp_path / measure.TABLE).read_text().splitlines() == lines
    assert lines[2].startswith("| kitchen | slide | none | joints | 1 of 1 | 0.21 to 1.00 |")


def test_the_committed_table_is_of_the_committed_rows():
    rows = measure.rows(measure.FOLDER)
    assert (measure.FOLDER / measure.TABLE).read_text() == measure.table(rows)
    keys = [tuple(row[k] for k in measure.KEY) for row in rows]
    assert len(set(keys)) == len(keys), "a row stands twice"


@pytest.mark.parametrize(
    ("argv", "remedy"),
    [
        ([], "--domain is needed"),
        (["--domain", "kitchen", "--tasks", "kettle"], "'kettle' is unknown: use slide"),
        (["--domain", "kitchen", "--jitter", "j5"], "'j5' is unknown: use none"),
        (["--domain", "kitchen", "--seeds", "0"], "--seeds of at least 1"),
        (["--domain", "kitchen", "--first-seed", "-1"], "no --first-seed below 0"),
        (["--domain", "rgb_stacking"], "requirements-rgb_stacking.lock"),
    ],
)
def test_what_cannot_be_measured_is_refused(argv, remedy, capsys, tmp_path):
    with pytest.raises(SystemExit):
        measure.main([*argv, "--out", str(tmp_path)])
    assert remedy in capsys.readouterr().err.replace("\n", " ")
    assert not list(tmp_path.iterdir())

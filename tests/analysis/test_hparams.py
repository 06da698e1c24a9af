import numpy as np

from gpuboard.analysis.curves import curves
from gpuboard.analysis.hparams import group_names, inherited
from gpuboard.analysis.layers import ROLES
from gpuboard.analysis.request import CurveRequest, Fold, Source
from gpuboard.store.columns import NO_PURGE, Series


def test_a_run_has_its_own_or_those_above_or_those_right_below():
    own = {
        "a": {},
        "a/1700000000.5": {"lr": 0.1},
        "b": {"lr": 0.2},
        "b/train": {},
        "b/deep/er": {},
        "c": {},
    }

    found = inherited(own)

    assert found["a"] == {"lr": 0.1}
    assert found["b/train"] == found["b/deep/er"] == found["b"] == {"lr": 0.2}
    assert found["c"] == {}


def test_groups_are_named_by_the_chosen_hyperparameters_alone():
    runs = [{"lr": 0.1, "seed": 1.0}, {"lr": 0.1, "seed": 2.0}, {"opt": "adam"}, {}]

    assert group_names(runs, ["lr", "opt"]) == ["lr=0.1", "lr=0.1", "opt=adam", None]


def test_seeds_are_folded_by_what_they_have_in_common():
    def source(run, lr, height):
        n = 5
        series = Series(
            wall_time=np.arange(n, dtype=float),
            step=np.arange(n),
            value=np.full(n, height),
            writer_start=np.zeros(1, np.int64),
            purge_step=np.array([NO_PURGE]),
        )
        return Source(run, f"run{run}", 0.0, 1, series, {"lr": lr, "seed": float(run)})

    sources = [source(0, 0.1, 1.0), source(1, 0.1, 3.0), source(2, 0.5, 10.0)]

    chart = curves(sources, CurveRequest(fold=Fold(band="minmax", hparams=("lr",))))

    rows = zip(chart.lines.role, chart.lines.rows.group, chart.lines.rows.last, strict=True)
    last = {(ROLES[role], group): value for role, group, value in rows}
    assert last["line", "lr=0.1"] == 2.0
    assert (last["low", "lr=0.1"], last["high", "lr=0.1"]) == (1.0, 3.0)
    assert last["line", "lr=0.5"] == 10.0

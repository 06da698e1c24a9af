import subprocess
import sys

AFTER_WARMING = """
import itertools, sys
import numpy as np
from gpuboard.analysis import axes, bands, downsample, markers, points, restarts, smooth
from gpuboard.analysis.warm import warm

def compiled():
    modules = (axes, bands, downsample, markers, points, restarts, smooth)
    kernels = [k for m in modules for k in vars(m).values() if hasattr(k, "nopython_signatures")]
    return {k.__name__: len(k.signatures) for k in kernels}

warm()
before = compiled()
from gpuboard.analysis.curves import curves
from gpuboard.analysis.request import AXES, SMOOTHINGS, CurveRequest, Fold, Smoothing, Source
from gpuboard.store.columns import NO_PURGE, Series

def source(run, n):
    steps = np.tile(np.arange(n // 2), 2)
    some = (np.arange(float(n)), steps, np.sin(np.arange(n)), np.array([0]), np.array([NO_PURGE]))
    return Source(run, f"a/{run}", 0.0, 0, Series(*some))

runs = [source(0, 120_000), source(1, 10), source(2, 2000)]
for axis, kind, fold in itertools.product(AXES, SMOOTHINGS, (None, Fold("a"))):
    request = CurveRequest(axis=axis, smoothing=Smoothing(kind, 0.5), overwritten=True, fold=fold)
    curves(runs, request)
    points.points_at(runs, points.PointRequest(axis, 1.0))
    points.points_at(runs, points.PointRequest(axis, 1.0, 2.0))
assert sum(before.values()) >= 10, before
after = compiled()
print({name: (before[name], after[name]) for name in after if before[name] != after[name]})
"""


def printed_by(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_after_warming_no_chart_waits_for_the_compiler():
    assert printed_by(AFTER_WARMING) == "{}"


def test_data_routes_are_importable_without_the_compiler():
    code = "import sys, gpuboard.serve.api; print('numba' in sys.modules, 'pyarrow' in sys.modules)"

    assert printed_by(code) == "False False"

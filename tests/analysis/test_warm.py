import subprocess
import sys

from gpuboard.analysis import bands, batch, curves, downsample, markers, points, restarts, smooth
from gpuboard.analysis.warm import warm


def kernels():
    for module in (batch.axes, bands, curves, downsample, markers, points, restarts, smooth):
        for name, value in vars(module).items():
            if hasattr(value, "signatures") and value.__module__ == module.__name__:
                yield f"{module.__name__}.{name}", value


def test_warming_compiles_every_kernel():
    warm()

    entry = [name for name, kernel in kernels() if not kernel.signatures]
    assert len(list(kernels())) > 20
    # Kernels that only other kernels call are compiled into them.
    assert [name for name in entry if name.split(".")[-1] in ENTRIES] == []


ENTRIES = {
    "_fill_origins",
    "_active",
    "_fill_limits",
    "_walk",
    "_smooth_runs",
    "_draw_runs",
    "_fold",
    "_find",
    "_nearest",
    "_summarise",
}


def test_data_routes_are_importable_without_the_compiler():
    code = "import sys, gpuboard.serve.api; print('numba' in sys.modules, 'pyarrow' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "False"]

"""What NVML's codes and signs mean."""

from __future__ import annotations

import math
import sys
import types

import pytest

from gpuboard.profiler import nvml
from gpuboard.profiler.nvml import (
    SENTENCES,
    DeviceLost,
    LibraryDown,
    NothingNew,
    Nvml,
    NvmlError,
    NvmlState,
    Unsupported,
    error_of,
    number,
)
from tests.profiler.hardware.fake_nvml import FakeNvml, h100


@pytest.mark.parametrize(
    ("value", "bits"),
    [
        (None, 32),
        (0xFFFFFFFF, 32),
        (-1, 32),
        (0xFFFF, 16),
        (0xFFFFFFFFFFFFFFFF, 64),
        (-1, 64),
        (math.nan, 64),
        (math.inf, 64),
        ("N/A", 32),
        (b"", 32),
    ],
)
def test_a_sign_for_no_value_is_no_value(value, bits):
    assert number(value, bits) is None


@pytest.mark.parametrize(
    ("value", "bits"), [(0, 32), (0xFFFF, 32), (0xFFFFFFFF, 64), (2**63, 64), (61.5, 64), (-5, 32)]
)
def test_a_value_that_only_looks_like_a_sign_of_another_width_stays(value, bits):
    assert number(value, bits) == float(value)


def test_the_binding_agrees_on_what_stands_for_no_value():
    pynvml = pytest.importorskip("pynvml")

    assert pynvml.NVML_VALUE_NOT_AVAILABLE_uint.value in nvml.SENTINELS[32]
    assert pynvml.NVML_VALUE_NOT_AVAILABLE_ulonglong.value in nvml.SENTINELS[64]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("UNINITIALIZED", LibraryDown),
        ("INVALID_ARGUMENT", Unsupported),
        ("NOT_SUPPORTED", Unsupported),
        ("NO_PERMISSION", Unsupported),
        ("NOT_FOUND", NothingNew),
        ("DRIVER_NOT_LOADED", LibraryDown),
        ("TIMEOUT", NothingNew),
        ("LIBRARY_NOT_FOUND", LibraryDown),
        ("FUNCTION_NOT_FOUND", Unsupported),
        ("GPU_IS_LOST", DeviceLost),
        ("RESET_REQUIRED", DeviceLost),
        ("LIB_RM_VERSION_MISMATCH", LibraryDown),
        ("NO_DATA", NothingNew),
        ("NOT_READY", NothingNew),
        ("GPU_NOT_FOUND", DeviceLost),
        ("IN_USE", NvmlError),
        ("UNKNOWN", NvmlError),
    ],
)
def test_a_return_code_is_one_of_five_errors(name, kind):
    pynvml = pytest.importorskip("pynvml")

    assert type(error_of("nvmlX", getattr(pynvml, f"NVML_ERROR_{name}"))) is kind


def test_architectures_have_the_numbers_of_the_binding():
    pynvml = pytest.importorskip("pynvml")

    for code, name in nvml.ARCHITECTURES.items():
        assert getattr(pynvml, f"NVML_DEVICE_ARCH_{name.upper()}") == code


def test_every_state_has_a_sentence():
    assert set(SENTENCES) == set(NvmlState)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_a_missing_binding_says_what_to_install():
    library = Nvml("no_such_binding_of_nvml")

    with pytest.raises(LibraryDown) as caught:
        library.start()

    assert caught.value.state == NvmlState.NO_BINDING
    assert "pip install nvidia-ml-py" in SENTENCES[caught.value.state]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (12, NvmlState.NO_LIBRARY),
        (9, NvmlState.NO_DRIVER),
        (18, NvmlState.MISMATCH),
        (4, NvmlState.NO_PERMISSION),
        (999, NvmlState.FAILED),
        (3, NvmlState.FAILED),
    ],
)
def test_a_library_that_does_not_start_says_why(monkeypatch, code, state):
    fake = FakeNvml()
    fake.fails["nvmlInit"] = code
    monkeypatch.setitem(sys.modules, "fake_binding", fake)

    with pytest.raises(LibraryDown) as caught:
        Nvml("fake_binding").start()

    assert caught.value.state == state


def test_a_function_that_the_binding_lacks_is_not_supported(monkeypatch):
    module = types.ModuleType("old_binding")
    module.NVMLError = FakeNvml.NVMLError
    module.nvmlInit = lambda: None
    monkeypatch.setitem(sys.modules, "old_binding", module)
    library = Nvml("old_binding")
    library.start()

    with pytest.raises(Unsupported, match="older than the number"):
        library.ask("nvmlDeviceGetSamples", object(), 1, 0)


def test_a_failed_gpm_sample_is_given_back(monkeypatch):
    gpu = h100()
    gpu.fails["nvmlGpmSampleGet"] = 19
    fake = FakeNvml(gpu)
    monkeypatch.setitem(sys.modules, "fake_binding", fake)
    library = Nvml("fake_binding")
    library.start()

    with pytest.raises(NvmlError, match="another profiler"):
        library.gpm_sample(gpu)

    assert fake.open_samples == 0

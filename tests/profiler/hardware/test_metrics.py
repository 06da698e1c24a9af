"""The declaration of metrics, and what must agree with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpuboard.profiler.hardware import metrics
from gpuboard.profiler.hardware.metrics_table import markdown_table
from gpuboard.profiler.hardware.sources import COUNTER, CUMULATIVE, GAUGE, Buffered, Gpm
from gpuboard.profiler.nvml import ARCHITECTURES

ROOT = Path(__file__).resolve().parents[3]


def test_tags_read_as_place_title_and_unit():
    assert metrics.find("gpu", "power").tag("gpu/0") == "gpu/0/power (W)"
    assert metrics.find("gpu", "utilisation").tag("gpu/7") == "gpu/7/utilisation (%)"
    assert metrics.find("host", "cpu").tag("host") == "host/cpu (%)"


def test_no_two_metrics_share_a_tag():
    tags = [metric.tag(metric.on) for metric in metrics.METRICS]

    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("metric", metrics.METRICS, ids=lambda m: m.name)
def test_a_declaration_is_whole(metric):
    assert metric.pace in metrics.SECONDS_OF_PACE
    assert metric.kind in {GAUGE, COUNTER, CUMULATIVE}
    assert metric.refresh_s > 0
    assert metric.needs in {0, *ARCHITECTURES}
    assert metric.help.endswith(".")


def test_what_the_performance_monitor_alone_measures_needs_hopper():
    alone = [m for m in metrics.METRICS if all(isinstance(s, Gpm) for s in m.sources)]

    assert {ARCHITECTURES[m.needs] for m in alone} == {"Hopper"}
    assert len(alone) >= 4


def test_the_blocking_question_for_pcie_is_never_asked():
    words = [source.words for metric in metrics.METRICS for source in metric.sources]

    assert "nvmlDeviceGetPcieThroughput" not in words
    assert {"field 197", "field 198"} <= set(words)


def test_utilisation_comes_from_the_drivers_own_samples():
    assert metrics.find("gpu", "utilisation").sources[0] == Buffered(1)


def test_an_unknown_metric_is_named():
    with pytest.raises(KeyError, match="no metric 'colour'"):
        metrics.find("gpu", "colour")


def test_the_user_guide_has_the_table_of_the_declaration():
    guide = (ROOT / "docs" / "guide" / "hardware.md").read_text()

    assert markdown_table() in guide

"""Log numbers: scalars, hyperparameters, and figures of a whole model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from gpuboard.eventlog.scalar_records import ScalarSeries
from gpuboard.writer.background import BACKGROUND
from gpuboard.writer.file_writer import MAX_ENTRIES
from gpuboard.writer.numbers import number_of
from gpuboard.writer.recorder import Recorder

_STEPS = range(-(1 << 63), 1 << 63)


class ScalarMethods(Recorder):
    """The `add_*` methods for numbers."""

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,  # noqa: ANN401
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """Log one number; takes about a microsecond.

        A tensor on a GPU is copied there, in its stream, and read later: the call does not wait
        for it to be computed.

        Args:
            tag: Name of the series; the part before the first "/" groups charts.
            scalar_value: A number, or a tensor or array with one element.
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.
            new_style: Write it as TensorFlow 2 does, in a tensor.
            double_precision: Keep a double; only with `new_style`, else it is kept as float32.

        Raises:
            ValueError: There is more than one element, or the step does not fit into 64 bits.
            TypeError: The value is no number, or the tag no text.
        """
        series = self._series.get(tag)
        if (
            series is None
            or type(scalar_value) is not float
            or type(global_step) is not int
            or walltime is not None
            or new_style
            or global_step not in _STEPS
        ):
            self._add_scalar(tag, scalar_value, global_step, walltime, new_style, double_precision)
            return
        waiting = self._waiting
        waiting.extend((series, scalar_value, global_step, time.time()))
        if BACKGROUND.is_asleep:
            BACKGROUND.wake()
        if len(waiting) > MAX_ENTRIES:
            self._get_file_writer().drain()

    def _add_scalar(
        self,
        tag: str,
        value: Any,  # noqa: ANN401
        step: int | None,
        walltime: float | None,
        as_tensor: bool,
        is_double: bool,
    ) -> None:
        number = number_of(value)
        file = self._get_file_writer()
        if as_tensor:
            series = ScalarSeries(_checked_tag(tag), as_tensor=True, is_double=is_double)
        else:
            series = self._series.get(tag) or ScalarSeries(_checked_tag(tag))
            self._series[tag] = series
        file.put_point(series, number, step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Log several numbers under one tag, each in a run of its own, so that they share a chart.

        Args:
            main_tag: Tag of all of them. Their runs are named `MAINTAG_NAME`.
            tag_scalar_dict: Numbers by name, as for `add_scalar`.
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.
        """
        at = time.time() if walltime is None else walltime
        own = self._get_file_writer().get_logdir()
        files = self.all_writers
        if files is None:
            return
        series = self._series.setdefault(main_tag, ScalarSeries(_checked_tag(main_tag)))
        for name, value in tag_scalar_dict.items():
            number = number_of(value)
            folder = f"{own}/{main_tag.replace('/', '_')}_{name}"
            if folder not in files:
                files[folder] = self._new_file(folder)
            files[folder].put_point(series, number, global_step, at)

    def add_model_stats(
        self,
        model: Any,  # noqa: ANN401
        global_step: int | None = None,
        walltime: float | None = None,
        *,
        gradients: bool = True,
        histograms: bool = True,
    ) -> None:
        """Log norm, mean, deviation, range, NaN and histogram of all weights and gradients.

        They are computed where they lie, all together, and one copy brings the figures; the call
        does not wait for a GPU. The tags are listed in docs/guide/writer.md.

        Args:
            model: A `torch.nn.Module`.
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.
            gradients: Gradients too, of the parameters that have one: call it after `backward`
                and before `zero_grad`.
            histograms: Histograms too.
        """
        from gpuboard.writer.model_stats import ModelStats

        stats = ModelStats(model, gradients=gradients, histograms=histograms)
        self._get_file_writer().put(stats.event, global_step, walltime, stats.nbytes)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Sequence[Any]] | None = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """Log what a run was trained with, and how well it did; as a run of its own.

        Args:
            hparam_dict: Numbers, texts and booleans by name; None is left out.
            metric_dict: Numbers by name; each is logged as a scalar too.
            hparam_domain_discrete: All values that a hyperparameter may take, by name.
            run_name: Directory below the run's; the time if not given.
            global_step: Any int64.

        Raises:
            TypeError: An argument is no dictionary, or a domain does not fit its hyperparameter.
            ValueError: A value is of another type.
        """
        from gpuboard.writer.hparams import summaries_of
        from gpuboard.writer.summary_writer import SummaryWriter

        values = summaries_of(hparam_dict, metric_dict, hparam_domain_discrete)
        folder = f"{self._get_file_writer().get_logdir()}/{run_name or time.time()}"
        with SummaryWriter(folder) as own:
            own._add(lambda: values[:1], global_step, None)
            own._add(lambda: values[1:2], global_step, None)
            own._add(lambda: values[2:], global_step, None)
            for name, metric in metric_dict.items():
                own.add_scalar(name, metric, global_step)


def _checked_tag(tag: object) -> str:
    if not isinstance(tag, str):
        raise TypeError(f"tag {tag!r}, expected text")
    return tag

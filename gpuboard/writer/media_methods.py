"""Log what people look at or listen to: images, videos, figures, sounds and texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpuboard.writer.numbers import array_of
from gpuboard.writer.recorder import BYTES_OF_A_VALUE, Recorder

if TYPE_CHECKING:
    from gpuboard.eventlog.proto.event_pb2 import Summary


class MediaMethods(Recorder):
    """The `add_*` methods for pictures, sound and text."""

    def add_image(
        self,
        tag: str,
        img_tensor: Any,  # noqa: ANN401
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Log an image.

        Args:
            tag: Name of the series.
            img_tensor: uint8 from 0 to 255, or other numbers from 0 to 1; 1, 3 or 4 channels.
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.
            dataformats: Its axes in order: "CHW", "HWC", "HW", "NCHW", ...

        Raises:
            ValueError: It has not these axes.
        """
        self._add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,  # noqa: ANN401
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Log a batch of images as one, in rows of eight; arguments as for `add_image`."""
        self._add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,  # noqa: ANN401
        box_tensor: Any,  # noqa: ANN401
        global_step: int | None = None,
        walltime: float | None = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        labels: str | Sequence[str] | None = None,
    ) -> None:
        """Log an image with boxes drawn into it.

        Args:
            tag: Name of the series.
            img_tensor: As for `add_image`.
            box_tensor: Left, top, right and bottom of each box in pixels, shape (n, 4).
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.
            rescale: Enlarge the picture by this factor.
            dataformats: Its axes in order.
            labels: A word for each box; left out where there are not as many as boxes.

        Raises:
            ValueError: The image has not these axes, or the boxes are no (n, 4) matrix.
        """
        boxes = array_of(box_tensor)
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ValueError(f"boxes of shape {list(boxes.shape)}, expected [n, 4]")
        words = [labels] if isinstance(labels, str) else labels
        if words is not None and len(words) != len(boxes):
            words = None
        self._add_image(
            tag, img_tensor, global_step, walltime, dataformats, (boxes, words), rescale
        )

    def _add_image(
        self,
        tag: str,
        image: Any,  # noqa: ANN401
        step: int | None,
        walltime: float | None,
        dataformats: str,
        boxes: tuple[Any, Sequence[str] | None] | None = None,
        scale: float = 1,
    ) -> None:
        from gpuboard.summaries.image import encode, png_of
        from gpuboard.writer import pictures

        array = array_of(image)
        pictures.check_layout(array.shape, dataformats)

        def values() -> list[Summary.Value]:
            pixels = pictures.pixels_of(array, dataformats)
            if boxes is not None:
                pixels = pictures.with_boxes(pixels, *boxes)
            pixels = pictures.resized(pixels, scale)
            height, width, channels = pixels.shape
            png = png_of(pixels)
            return [encode(tag, png, height=height, width=width, channels=channels)]

        self._add(values, step, walltime, array.nbytes)

    def add_figure(
        self,
        tag: str,
        figure: Any,  # noqa: ANN401
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """Log a figure of Matplotlib as an image.

        Args:
            tag: Name of the series.
            figure: One figure, or several of one size.
            global_step: Any int64.
            close: Let pyplot forget it afterwards.
            walltime: Seconds since the epoch, now if not given.
        """
        import numpy as np

        from gpuboard.writer.pictures import pixels_of_figure

        if isinstance(figure, list):
            images = np.stack([pixels_of_figure(one, close=close) for one in figure])
            self.add_image(tag, images, global_step, walltime, dataformats="NHWC")
        else:
            image = pixels_of_figure(figure, close=close)
            self.add_image(tag, image, global_step, walltime, dataformats="HWC")

    def add_video(
        self,
        tag: str,
        vid_tensor: Any,  # noqa: ANN401
        global_step: int | None = None,
        fps: float = 4,
        walltime: float | None = None,
    ) -> None:
        """Log videos as one moving picture (GIF), side by side.

        Args:
            tag: Name of the series.
            vid_tensor: Shape (n, time, channels, height, width), values as for `add_image`.
            global_step: Any int64.
            fps: Frames per second.
            walltime: Seconds since the epoch, now if not given.

        Raises:
            ValueError: The shape is another, or `fps` is not above 0.
        """
        from gpuboard.summaries.image import encode, gif_of
        from gpuboard.writer.pictures import frames_of

        array = array_of(vid_tensor)
        if array.ndim != 5 or 0 in array.shape or not fps > 0:
            raise ValueError(
                f"a video of shape {list(array.shape)} with {fps} frames per second, expected "
                "[n, time, channels, height, width] and a rate above 0"
            )

        def values() -> list[Summary.Value]:
            frames = frames_of(array)
            _, height, width, channels = frames.shape
            gif = gif_of(frames, fps)
            return [encode(tag, gif, height=height, width=width, channels=channels)]

        self._add(values, global_step, walltime, array.nbytes)

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,  # noqa: ANN401
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Log a sound.

        Args:
            tag: Name of the series.
            snd_tensor: Samples in [-1, 1], shape (1, frames), (frames,) or (frames, channels);
                what lies beyond is clipped.
            global_step: Any int64.
            sample_rate: Frames per second.
            walltime: Seconds since the epoch, now if not given.

        Raises:
            ValueError: The shape is another.
        """
        from gpuboard.summaries.audio import encode

        array = array_of(snd_tensor).squeeze()
        if array.ndim > 2 or not array.size:
            raise ValueError(f"a sound of shape {list(array.shape)}, expected [frames]")
        self._add(lambda: [encode(tag, array, sample_rate)], global_step, walltime, array.nbytes)

    def add_text(
        self,
        tag: str,
        text_string: str,
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Log a text, shown as Markdown.

        Args:
            tag: Name of the series.
            text_string: The text.
            global_step: Any int64.
            walltime: Seconds since the epoch, now if not given.
        """
        from gpuboard.summaries.text import encode

        value = encode(tag, text_string)
        self._add(lambda: [value], global_step, walltime, BYTES_OF_A_VALUE + len(text_string))

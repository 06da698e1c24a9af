"""Name every way in which a request or a file can fail.

GpuboardError
 +- InputError            what the user asked for cannot be understood (HTTP 400, exit code 2)
 |   +- MissingExtraError an optional package is not installed
 +- AccessError           the request is not allowed (HTTP 403)
 +- NotFoundError         the run, tag or file is not there (HTTP 404)
 +- LimitError            a documented cap was passed (HTTP 413)
 +- DataError             a file holds what its format forbids (HTTP 422)
"""

from __future__ import annotations


class GpuboardError(Exception):
    """Base of all errors whose text is safe and useful to show to the user."""

    http_status = 500
    exit_code = 1


class InputError(GpuboardError):
    """What was asked for cannot be understood; the text says what would be."""

    http_status = 400
    exit_code = 2


class MissingExtraError(InputError):
    """An optional package is needed; the text gives the command that installs it."""


class AccessError(GpuboardError):
    """The request lacks the token, or comes from a foreign page."""

    http_status = 403


class NotFoundError(GpuboardError):
    """The named run, tag or file does not exist."""

    http_status = 404
    exit_code = 2


class LimitError(GpuboardError):
    """A documented cap of `gpuboard.limits` was passed."""

    http_status = 413


class DataError(GpuboardError):
    """A file holds what its format forbids; the text gives file, place and finding."""

    http_status = 422

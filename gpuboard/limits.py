"""Hold every cap of the project as one named, documented setting."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """One cap: what is refused beyond it, and why it stands where it does."""

    name: str
    value: int
    help: str


MAX_RECORD_BYTES = Limit(
    "max_record_bytes", 1 << 30, "A longer event record is taken for a damaged length field."
)
MAX_DIRECTORY_DEPTH = Limit(
    "max_directory_depth", 32, "Folders nested deeper below the log directory are not searched."
)
MAX_DIRECTORY_ENTRIES = Limit(
    "max_directory_entries", 1_000_000, "Entries looked at in one search for event files."
)
MAX_PROBLEMS_PER_FILE = Limit(
    "max_problems_per_file", 100, "Problems listed for one file; further ones are counted only."
)
MAX_TAG_BYTES = Limit(
    "max_tag_bytes", 1 << 20, "A longer tag name makes its value a problem row instead."
)
MAX_SESSIONS = Limit("max_sessions", 200, "Open pages at a time; one more is answered with 429.")
MAX_REQUEST_BYTES = Limit("max_request_bytes", 4 << 20, "Body of one request to a data route.")
MAX_REGEX_CHARACTERS = Limit(
    "max_regex_characters", 500, "Length of a regular expression that a page or script sends."
)
MAX_CHART_POINTS = Limit(
    "max_chart_points", 400_000, "Points sent for one chart; lines get fewer buckets beyond it."
)
MAX_CHART_WIDTH = Limit("max_chart_width", 8192, "Pixels across for which a curve is prepared.")
MAX_TAGS_LISTED = Limit(
    "max_tags_listed", 5_000, "Tags sent in one answer; a search narrows the rest."
)
MAX_MARKERS = Limit("max_markers", 2_000, "NaN and infinity markers drawn in one chart.")

ALL: tuple[Limit, ...] = tuple(v for v in list(globals().values()) if isinstance(v, Limit))

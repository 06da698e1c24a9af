"""Say in words what was wrong with a trace in JSON, and what became of it."""

from __future__ import annotations

from gpuboard import limits
from gpuboard.store.columns import Problem

# By the number of a scanner's note.
KINDS = (
    "broken_event", "stray_text", "long_event", "deep_event", "long_text", "bad_word", "no_time",
    "bad_time", "no_duration", "bad_duration", "many_tracks", "many_texts", "bad_counter",
    "cut_event", "bad_fact",
)  # fmt: skip

MEANING = {
    "broken_event": "this event breaks JSON; it is left out, and reading goes on with the next",
    "stray_text": "text that belongs to no event stands between events; it is skipped",
    "long_event": f"this event is longer than {limits.MAX_TRACE_EVENT_BYTES.value:,} bytes; it is "
    "left out",
    "deep_event": f"this event nests deeper than {limits.MAX_TRACE_DEPTH.value} levels; it is left "
    "out",
    "long_text": f"an argument is longer than {limits.MAX_TRACE_TEXT_BYTES.value:,} bytes; the "
    "event is kept without it",
    "bad_word": "an argument is a bare word such as N/A; the event is kept without it",
    "no_time": "this event has no time; it is left out",
    "bad_time": "the time of this event is no number; it is left out",
    "no_duration": "this slice has no duration; it is kept with 0 ns",
    "bad_duration": "the duration of this slice is no number; it is kept with 0 ns",
    "many_tracks": f"the file has more than {limits.MAX_TRACE_TRACKS.value:,} threads and streams; "
    "this event lies on the one that all further ones share",
    "many_texts": "the file has too many different texts; this event is kept without some",
    "bad_counter": "a value of this counter is no number; it is left out",
    "cut_event": "the file ends in the middle of this event; what came before it is kept",
    "bad_fact": "what the file says of itself here breaks JSON; it is skipped",
    "cut_file": "the file ends before its list of events does; what came before is kept",
    "cut_stream": "what could be read before that is kept",
    "bad_escape": "a text has an escape that JSON does not know; it is kept as it stands",
    "control_character": "a text has a control character in it; it is kept",
    "bad_text": "a text is not UTF-8 throughout; what is not shows as U+FFFD",
    "never_ended": "a slice begins here and never ends; it is kept with 0 ns",
    "never_begun": "a slice ends here that never began; that end is left out",
    "many_events": f"the file has more than {limits.MAX_TRACE_EVENTS.value:,} events; the rest is "
    "not read",
}


class Problems:
    """What was wrong with one file: the first ones listed, all of them counted."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.listed: list[Problem] = []
        self.counts: dict[str, int] = {}

    def add(self, kind: str, offset: int, *, count: int = 1, message: str = "") -> None:
        """Take one problem, or a place where one of `count` was met."""
        self.counts[kind] = self.counts.get(kind, 0) + count
        if len(self.listed) < limits.MAX_PROBLEMS_PER_FILE.value:
            self.listed.append(Problem(self.file, max(offset, 0), kind, message or MEANING[kind]))

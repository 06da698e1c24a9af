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
MAX_CHART_TAGS = Limit("max_chart_tags", 100, "Tags drawn in one chart; further ones are counted.")
MAX_LAYOUT_PARTS = Limit(
    "max_layout_parts", 10_000, "Categories, charts and tags in one layout of custom scalars."
)
MAX_TENSOR_BYTES = Limit(
    "max_tensor_bytes", 256 << 20, "A tensor of a summary that would take more is not decoded."
)
MAX_TENSOR_RANK = Limit("max_tensor_rank", 16, "Dimensions of a tensor in a summary.")

MAX_IMAGE_PIXELS = Limit("max_image_pixels", 16 << 20, "A picture of more pixels is not decoded.")
MAX_IMAGE_FRAMES = Limit(
    "max_image_frames", 1_000, "Frames of one moving picture; later ones are not shown."
)
MAX_IMAGE_SAMPLES = Limit("max_image_samples", 1_000, "Pictures in one batch of images.")
MAX_ANIMATION_PIXELS = Limit(
    "max_animation_pixels",
    64 << 20,
    "Pixels in all frames of one moving picture; later frames are not shown.",
)
MAX_JPEG_SCANS = Limit(
    "max_jpeg_scans", 100, "A JPEG that paints over itself more often is not decoded."
)
MAX_PIXEL_BLOCK = Limit("max_pixel_block", 16_384, "Pixels whose values are sent in one answer.")
MAX_SIDE_FILE_BYTES = Limit(
    "max_side_file_bytes", 1 << 20, "A larger hparams.yaml or config.json is not read."
)
MAX_SIDE_HPARAMS = Limit(
    "max_side_hparams",
    2_000,
    "Values in one hparams.yaml or config.json; with more it is not used.",
)
MAX_HPARAM_CHARACTERS = Limit(
    "max_hparam_characters", 1_000, "Text of one hyperparameter of such a file; the rest is cut."
)
MAX_TRIAL_CELLS = Limit(
    "max_trial_cells", 4_000_000, "Values of hyperparameters sent at once; later columns wait."
)
MAX_TRIAL_METRICS = Limit("max_trial_metrics", 50, "Metrics in one table of trials.")
MAX_IMPORTANCE_TRIALS = Limit(
    "max_importance_trials", 2_000, "Trials that importance is learned from, drawn at random."
)
MAX_IMPORTANCE_HPARAMS = Limit(
    "max_importance_hparams", 100, "Hyperparameters whose importance is learned at once."
)
MAX_GRAPH_BYTES = Limit(
    "max_graph_bytes", 64 << 20, "A longer graph is not decoded; its weights do not count."
)
MAX_GRAPH_NODES = Limit("max_graph_nodes", 200_000, "Nodes of one graph, functions included.")
MAX_GRAPH_EDGES = Limit("max_graph_edges", 2_000_000, "Inputs of all nodes of one graph.")
MAX_GRAPH_DEPTH = Limit("max_graph_depth", 64, "Scopes, groups or blocks nested in one another.")
MAX_GRAPH_BOXES = Limit("max_graph_boxes", 20_000, "Boxes of a graph that are open at a time.")
MAX_ATTRIBUTE_CHARACTERS = Limit(
    "max_attribute_characters", 1_000, "Text of one attribute of a node; the rest is cut off."
)
MAX_GRAPH_UPLOAD_BYTES = Limit(
    "max_graph_upload_bytes", 64 << 20, "Size of a graph file that is opened from the page."
)
MAX_GRAPH_FILES = Limit(
    "max_graph_files", 200, "Graph files (.onnx, .pb, .pbtxt) listed below the log directory."
)
MAX_AUDIO_SAMPLES = Limit(
    "max_audio_samples", 64 << 20, "A sound of more samples, over all channels, is not decoded."
)
MAX_AUDIO_CHANNELS = Limit(
    "max_audio_channels", 64, "Channels of one sound; one of more is not decoded."
)
MAX_WAVE_COLUMNS = Limit(
    "max_wave_columns", 4_096, "Columns for which a waveform or spectrogram is prepared."
)
MAX_TEXT_CHARACTERS = Limit(
    "max_text_characters", 200_000, "Characters of one text that are shown; the rest is cut."
)
MAX_TEXT_CELLS = Limit("max_text_cells", 2_000, "Cells shown of a table of texts.")
MAX_TEXTS_SEARCHED = Limit(
    "max_texts_searched", 20_000, "Texts that one search reads; the latest ones come first."
)
MAX_TEXT_HITS = Limit("max_text_hits", 500, "Texts that one search lists.")
MAX_HISTOGRAM_BUCKETS = Limit(
    "max_histogram_buckets", 100_000, "A histogram of more buckets is not decoded."
)
MAX_HISTOGRAM_BYTES = Limit(
    "max_histogram_bytes", 128 << 20, "Histograms read for one picture; of more, some are left out."
)
MAX_HISTOGRAM_BINS = Limit("max_histogram_bins", 1_024, "Bins for which a histogram is prepared.")
MAX_HISTOGRAM_ROWS = Limit("max_histogram_rows", 2_048, "Steps drawn in one picture of histograms.")
MAX_QUEUED_BYTES = Limit(
    "max_queued_bytes",
    256 << 20,
    "Values of one event file that wait to be written; with more, whoever logs has to wait.",
)
MAX_VIEWS = Limit("max_views", 200, "Views kept for one log directory.")
MAX_VIEW_CARDS = Limit("max_view_cards", 100, "Cards in one view.")
MAX_VIEW_BYTES = Limit("max_view_bytes", 256 << 10, "Layout of one view, as JSON.")
MAX_EXPORT_POINTS = Limit(
    "max_export_points", 4_000_000, "Points in an exported view; lines get fewer beyond it."
)
MAX_MESH_POINTS = Limit(
    "max_mesh_points", 10_000_000, "Vertices, or triangles, of one mesh that are drawn."
)
MAX_TRACE_LANES = Limit(
    "max_trace_lanes", 2_048, "Lanes of one track of a trace; slices nested deeper share the last."
)
MAX_FLAME_NODES = Limit(
    "max_flame_nodes", 20_000, "Boxes of one flame graph; small ones become one beside the rest."
)
MAX_KERNEL_SEQUENCES = Limit(
    "max_kernel_sequences",
    1_000,
    "Kernel sequences listed at a time, those first in the asked order.",
)

MAX_WINDOW_EVENTS = Limit(
    "max_window_events", 1_000_000, "Slices of a timeline's window that are saved as Chrome JSON."
)
MAX_KEPT_TRACE_BYTES = Limit(
    "max_kept_trace_bytes",
    4 << 30,
    "Traces held in memory, with what was worked out of them; the one used longest ago goes first.",
)
MAX_TIMELINE_TRACES = Limit(
    "max_timeline_traces", 64, "Traces stacked on one timeline, such as the ranks of a job."
)
MAX_COMPARED_TRACES = Limit(
    "max_compared_traces", 256, "Traces compared at a time, such as the ranks of a job."
)
MAX_TRACE_EVENTS = Limit(
    "max_trace_events",
    50_000_000,
    "Events of one trace; later ones are not shown.",
)
MAX_XPLANE_BYTES = Limit(
    "max_xplane_bytes",
    2 << 30,
    "A larger XPlane file cannot be one: no protobuf message is longer.",
)
MAX_TRACE_JOBS = Limit("max_trace_jobs", 20_000, "Trace files listed below the log directory.")
MAX_TRACE_CACHE_BYTES = Limit(
    "max_trace_cache_bytes",
    8 << 30,
    "Parsed traces kept in the cache folder; those used longest ago go first.",
)
MAX_TRACE_BYTES = Limit(
    "max_trace_bytes", 32 << 30, "Bytes of a trace in JSON, uncompressed; the rest is not read."
)
MAX_TRACE_EVENT_BYTES = Limit(
    "max_trace_event_bytes",
    16 << 20,
    "A longer event, or fact about the whole, of a trace in JSON is left out.",
)
MAX_TRACE_TEXT_BYTES = Limit(
    "max_trace_text_bytes", 1 << 20, "A longer name or argument of an event is left out."
)
MAX_TRACE_TEXTS = Limit(
    "max_trace_texts", 4_000_000, "Different texts of one trace in JSON; further ones are left out."
)
MAX_TRACE_TEXTS_BYTES = Limit(
    "max_trace_texts_bytes", 512 << 20, "Bytes of all these texts; further ones are left out."
)
MAX_TRACE_TRACKS = Limit(
    "max_trace_tracks",
    20_000,
    "Threads and streams of one trace in JSON; further ones share one track.",
)
MAX_TRACE_DEPTH = Limit(
    "max_trace_depth", 64, "Lists and objects nested in an event; one with more is left out."
)

MAX_HARDWARE_DEVICES = Limit(
    "max_hardware_devices",
    4_096,
    "GPUs, slices, links and cores watched at a time; further ones are not.",
)
MAX_HARDWARE_PROCESSES = Limit(
    "max_hardware_processes", 4_096, "Processes listed for one GPU at a time."
)
MAX_HARDWARE_PENDING = Limit(
    "max_hardware_pending",
    1_000_000,
    "Hardware samples kept until somebody takes them; the oldest are dropped, and counted.",
)
MAX_HARDWARE_RECORD_BYTES = Limit(
    "max_hardware_record_bytes",
    1 << 30,
    "Recorded samples of one host; the oldest files go, their means of a minute and an hour stay.",
)

ALL: tuple[Limit, ...] = tuple(v for v in list(globals().values()) if isinstance(v, Limit))

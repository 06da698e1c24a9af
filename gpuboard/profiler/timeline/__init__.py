"""Show traces of any length: lanes, levels of detail, search, sums over an area, links, export."""

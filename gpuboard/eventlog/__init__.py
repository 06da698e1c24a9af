"""Bytes of event files to columns, and back: framing, checksums, wire format, discovery."""

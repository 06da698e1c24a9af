"""Runs and their columns: what was logged, kept whole, handed out as immutable snapshots."""

"""Compute every figure of a trace: pure functions from columns to columns."""

"""Serve the dashboards: guard, pages, sessions, jobs and data routes."""

"""Hold the custom Bokeh model that hosts ES modules."""

"""Hold the generated messages of XPlane."""

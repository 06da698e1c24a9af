"""Hold the messages of event files; `ci/protos` generates the Python beside each .proto."""

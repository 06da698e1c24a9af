"""Watch GPUs and host: what is measured, the process that measures, and the recorder."""

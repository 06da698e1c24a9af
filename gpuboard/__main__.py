"""Run the command line as `python -m gpuboard`."""

from gpuboard.cli import main

if __name__ == "__main__":
    main()

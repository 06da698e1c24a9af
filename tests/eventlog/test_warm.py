"""Check that warming up leaves nothing to compile for the first real file."""

from __future__ import annotations

from tests.faults import children

CODE = """
import sys
from pathlib import Path
from gpuboard.eventlog import framing, native, packing, scan
from gpuboard.eventlog.warm import warm
from tests import make
from tests.eventlog import reading

def compiled():
    modules = framing, native, packing, scan
    return {
        (name, signature)
        for module in modules
        for name, thing in vars(module).items()
        for signature in getattr(thing, "signatures", ())
    }

path = Path(sys.argv[1])
make.event_file(path, [make.header(), make.scalar("a", 1.0), make.text("t", "x"), make.graph()])
make.append(path / make.FILE_NAME, b"noise" * 9 + make.record(b"\\xff") + bytes(50))
before = compiled()
warm()
after = compiled()
found = reading.read_file(path / make.FILE_NAME, now=9e18)
assert found.points and "damaged_length" in found.kinds and "malformed_event" in found.kinds
print(len(before), len(after) > 3, sorted(compiled() - after))
"""


def test_after_warming_up_no_kernel_is_compiled_for_a_real_file(tmp_path):
    child = children.run(CODE, tmp_path)

    assert child.returncode == 0, child.stderr[-2000:]
    assert child.stdout == "0 True []\n"

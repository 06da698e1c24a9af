"""Walk garbage that ends at a page which no one may touch: reading one byte too far is fatal."""

from __future__ import annotations

import signal
import sys

import pytest

from tests.faults import children

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="guard pages are made by mprotect, which Windows lacks"
)

GUARD = """
import ctypes, mmap, random, sys
import numpy as np
from gpuboard import limits
from gpuboard.eventlog import framing, native, scan
from tests import make

PAGES = 2
area = mmap.mmap(-1, (PAGES + 1) * mmap.PAGESIZE)
address = ctypes.addressof(ctypes.c_char.from_buffer(area))
libc = ctypes.CDLL(None, use_errno=True)
libc.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
end_of_page = PAGES * mmap.PAGESIZE
assert libc.mprotect(address + end_of_page, mmap.PAGESIZE, 0) == 0
whole = np.frombuffer(area, np.uint8)

def at_the_brink(data):
    "Return a writable column of these bytes; the byte behind it cannot be read."
    column = whole[end_of_page - len(data):end_of_page]
    column[:] = np.frombuffer(bytearray(data), np.uint8)
    return column
"""

EVENTS = (
    GUARD
    + """
def take_in(payload):
    column = at_the_brink(payload)
    table, out = scan.make_tag_table(), scan.make_output(64, 64)
    answer = scan._scan_event(column, 0, len(column), 0, 1 << 20, table, out)
    assert answer in (scan.OK, scan.MALFORMED, scan.FULL_TAGS, scan.FULL_SCALARS, scan.FULL_REFS)

v = make.varint
HUGE = [1, 127, 128, 2**31 - 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1]
bodies = [make.scalar("loss", 1.0, 5), make.tf2_scalar("a", 2.0, -1), make.graph()]
bodies += [make.histogram("h", [1.0, 2.0]), make.text("t", "words"), make.session_start(3)]
bodies += [make.scalars({"a": 1, "b": 2})]
bodies += [make.tensor_value("t", make.tensor(d, [1], how, (1,)))
           for d in make.DTYPES for how in ("content", "packed", "unpacked")]
for body in bodies:
    take_in(body)
    for cut in range(len(body)):
        take_in(body[:cut])
        take_in(body[cut:])
for n in HUGE:
    for field in range(1, 20):
        for wire in range(8):
            head = v(field << 3 | wire) + v(n)
            for tail in (b"", b"x", b"\\xff" * 9):
                take_in(head + tail)
                take_in(make.field(5, head + tail))
                take_in(make.field(5, make.field(1, head + tail)))
                tensor = make.field(8, head + tail)
                take_in(make.field(5, make.field(1, tensor)))
                shape = make.field(8, make.field(1, 1) + make.field(2, head + tail))
                take_in(make.field(5, make.field(1, shape)))
                dim = make.field(8, make.field(1, 1) + make.field(2, make.field(2, head + tail)))
                take_in(make.field(5, make.field(1, dim)))
nested = b""
for _ in range(300):
    nested = make.field(5, nested)
    take_in(nested)
take_in(v(5 << 3 | 3) * 2000)
take_in(b"\\xff" * 2000)
dice = random.Random(20)
for k in range(20_000):
    body = bytearray(dice.choice(bodies))
    for _ in range(dice.randint(1, 4)):
        body[dice.randrange(len(body))] = dice.choice((0, 1, 127, 128, 255, dice.randrange(256)))
    take_in(bytes(body[:dice.randint(0, len(body))] if k % 3 else body))
print("survived")
"""
)

FRAMES = (
    GUARD
    + """
dice = random.Random(21)
sound = make.records([b"", b"a", b"abcdefgh", bytes(40)])
for k in range(20_000):
    data = bytearray(sound)
    for _ in range(dice.randint(0, 2)):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    data = bytes(data[:dice.randint(0, len(data))])
    column = at_the_brink(data)
    for start in (0, min(5, len(data)), len(data)):
        end, reason = framing.walk(column, start, len(data), 1 << 30)
        assert start <= end <= len(data)
        found = framing.find_record(column, start, len(data), 1 << 30)
        assert start <= found <= max(start, len(data))
        framing.count_zeros(column, start, len(data))
    for way in {native.crc32c, native.crc32c_by_tables}:
        way(column, 0, len(data))
table, out = scan.make_tag_table(), scan.make_output(64, 64)
assert scan.scan(at_the_brink(sound), 0, len(sound), 0, 9, table, out) == len(sound)
print("survived")
"""
)

TOO_FAR = GUARD + "native.crc32c(at_the_brink(b'abc'), 0, 4); print('survived')"


def test_the_guard_kills_a_process_that_reads_one_byte_too_far():
    child = children.run(TOO_FAR)

    assert child.returncode in {-signal.SIGSEGV, -signal.SIGBUS}
    assert child.stdout == ""


@pytest.mark.parametrize("code", [EVENTS, FRAMES], ids=["events", "frames"])
def test_garbage_is_never_read_beyond_its_end(code):
    child = children.run(code)

    assert (child.returncode, child.stdout) == (0, "survived\n"), child.stderr[-2000:]

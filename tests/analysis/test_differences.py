from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis.differences import Row, compared

LINES = st.lists(st.sampled_from(["", "a", "b", "a b", "a  c", "x = 1.5", "ü"]), max_size=12)


def side(rows, name):
    number, pieces = ("left", "old") if name == "old" else ("right", "new")
    chosen = [row for row in rows if getattr(row, number) is not None]
    assert [getattr(row, number) for row in chosen] == list(range(1, len(chosen) + 1))
    return ["".join(text for text, _ in getattr(row, pieces)) for row in chosen]


@given(LINES, LINES)
def test_both_texts_can_be_read_off(old, new):
    found = compared("\n".join(old), "\n".join(new))

    assert side(found.rows, "old") == "\n".join(old).splitlines()
    assert side(found.rows, "new") == "\n".join(new).splitlines()
    assert found.is_complete


@given(LINES, LINES)
def test_what_is_called_unchanged_is(old, new):
    for row in compared("\n".join(old), "\n".join(new)).rows:
        if row.is_same:
            assert row.old == row.new
            assert not any(is_changed for _, is_changed in row.old)


@given(LINES)
def test_a_text_does_not_differ_from_itself(lines):
    found = compared("\n".join(lines), "\n".join(lines))

    assert (found.removed, found.added) == (0, 0)
    assert all(row.is_same for row in found.rows)


def test_words_that_changed_are_marked():
    (row,) = compared("loss is 0.25 at last", "loss is 0.31 at last").rows

    assert row == Row(
        1,
        1,
        (("loss is ", False), ("0.25", True), (" at last", False)),
        (("loss is ", False), ("0.31", True), (" at last", False)),
    )


def test_blanks_between_changed_words_belong_to_the_change():
    (row,) = compared("the red fox ran", "the blue dog ran").rows

    assert "".join(text for text, is_changed in row.old if is_changed) == "red fox"


def test_a_line_that_is_new_shifts_the_others():
    found = compared("a\nc", "a\nb\nc")

    assert [(row.left, row.right, row.is_same) for row in found.rows] == [
        (1, 1, True),
        (None, 2, False),
        (2, 3, True),
    ]
    assert (found.removed, found.added) == (0, 1)


def test_an_empty_line_that_is_new_is_new():
    found = compared("a\nb", "a\n\nb")

    assert [row.is_same for row in found.rows] == [True, False, True]


def test_out_of_time_the_rest_is_replaced_whole():
    found = compared("head\na\nb\ntail", "head\nb\na\ntail", seconds=-1)

    assert not found.is_complete
    assert side(found.rows, "old") == ["head", "a", "b", "tail"]
    assert side(found.rows, "new") == ["head", "b", "a", "tail"]
    assert [row.is_same for row in found.rows] == [True, False, False, True]

import pytest

from gpuboard.errors import InputError
from gpuboard.serve.run_selection import code_of, selected_runs
from gpuboard.store.columns import RunInfo


def runs(*names):
    return [
        RunInfo(i, name, 1, {}, (), 0.0, 1.0, 0, 0, 0, 0, "done") for i, name in enumerate(names)
    ]


RUNS = runs("adam/seed0", "adam/seed1", "SGD", "ünï")


def chosen(text, among=RUNS):
    return [run.name for run in selected_runs(text, among)]


def test_the_plain_words():
    assert chosen("all") == [run.name for run in RUNS]
    assert chosen("none") == []
    assert chosen("") == [run.name for run in RUNS]


def test_the_default_is_the_first_hundred():
    many = runs(*(f"r{k}" for k in range(150)))

    assert chosen("", many) == [f"r{k}" for k in range(100)]
    assert len(chosen("all", many)) == 150


def test_a_pattern_is_searched_without_regard_to_capitals():
    assert chosen("re:seed|sgd") == ["adam/seed0", "adam/seed1", "SGD"]


def test_codes_name_runs_that_are_in_or_out():
    codes = code_of("SGD") + code_of("ünï")

    assert chosen(f"+{codes}") == ["SGD", "ünï"]
    assert chosen(f"-{codes}") == ["adam/seed0", "adam/seed1"]
    assert chosen("+") == []


def test_a_code_is_the_low_bits_of_fnv_1a():
    hashed = 0xBF9CF968  # FNV-1a of "foobar", from the list of test vectors of its authors
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    code = code_of("foobar")

    assert sum(alphabet.index(sign) << (6 * k) for k, sign in enumerate(code)) == hashed % 2**30


@pytest.mark.parametrize("text", ["what", "?x", "re"])
def test_what_is_not_understood_selects_nothing(text):
    assert chosen(text) == []


def test_a_pattern_that_could_take_forever_is_refused():
    with pytest.raises(InputError):
        chosen("re:(a+)+$")

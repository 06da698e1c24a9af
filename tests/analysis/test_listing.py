import random

import pytest

from gpuboard.analysis.listing import Listing
from gpuboard.errors import InputError
from gpuboard.store.columns import Catalogue, RunInfo, TagInfo
from gpuboard.store.store import natural_key


def run(run_id, tags, version=1):
    infos = {tag: TagInfo(tag, kind, points, 0, step) for tag, kind, points, step in tags}
    return RunInfo(
        id=run_id, name=f"run{run_id}", version=version, tags=infos, files=(), start=0.0, end=1.0,
        events=0, points=0, bytes=0, problems=0, state="live",
    )  # fmt: skip


def listed(listing, catalogue, *, kind=None, pattern=None, limit=1000):
    rows = listing.tags(catalogue, kind=kind, pattern=pattern, limit=limit)
    return list(zip(rows.tag, rows.kind, rows.runs, rows.points, strict=True))


def test_tags_of_all_runs_are_summed_in_natural_order():
    catalogue = Catalogue(
        1,
        (
            run(0, [("l10", "scalar", 5, 1), ("l2", "scalar", 1, 1)]),
            run(1, [("l10", "scalar", 7, 9)]),
        ),
    )

    found = listed(Listing(), catalogue)

    assert found == [("l2", "scalar", 1, 1), ("l10", "scalar", 2, 12)]


def test_a_name_of_two_kinds_is_two_rows():
    catalogue = Catalogue(1, (run(0, [("x", "scalar", 1, 1)]), run(1, [("x", "image", 2, 1)])))

    assert listed(Listing(), catalogue, kind="image") == [("x", "image", 1, 2)]
    assert len(listed(Listing(), catalogue)) == 2


def test_a_search_counts_all_matches_and_lists_the_first():
    catalogue = Catalogue(1, (run(0, [(f"loss/{i}", "scalar", 1, 1) for i in range(50)]),))

    rows = Listing().tags(catalogue, kind="scalar", pattern="loss/1", limit=2)

    assert (rows.total, rows.tag) == (11, ["loss/1", "loss/10"])


def test_a_broken_search_is_refused():
    with pytest.raises(InputError, match="not a regular expression"):
        Listing().tags(Catalogue(1, ()), kind=None, pattern="(", limit=1)


def test_the_last_step_of_a_run_is_the_greatest_of_its_tags():
    catalogue = Catalogue(1, (run(0, [("a", "scalar", 1, 3), ("b", "scalar", 1, 8)]), run(1, [])))

    assert Listing().last_steps(catalogue) == [8, 0]


def test_a_listing_kept_up_to_date_equals_a_new_one():
    chance = random.Random(0)
    listing, runs = Listing(), {}
    for version in range(1, 200):
        run_id = chance.randrange(5)
        tags = [
            (f"t{chance.randrange(6)}", "scalar", chance.randrange(9), version) for _ in range(3)
        ]
        runs[run_id] = run(run_id, tags, version)
        if chance.random() < 0.2:
            runs.pop(chance.choice(list(runs)))
        catalogue = Catalogue(version, tuple(runs.values()))

        assert listed(listing, catalogue) == listed(Listing(), catalogue)
        assert listing.last_steps(catalogue) == Listing().last_steps(catalogue)


def test_numbers_in_names_are_compared_as_numbers():
    assert sorted(["1" + "0" * 5000, "9" * 5000], key=natural_key)[0] == "9" * 5000
    assert sorted(["a10", "a9", "a", "10", "9b"], key=natural_key) == ["9b", "10", "a", "a9", "a10"]

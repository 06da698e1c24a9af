import threading

import numpy as np

from gpuboard.analysis.cache import ColumnCache


def column(length=10):
    return np.zeros(length)


def test_a_kept_column_is_computed_once():
    cache = ColumnCache(1000)

    first = cache.get("a", column)

    assert cache.get("a", lambda: column(3)) is first


def test_the_column_used_longest_ago_goes_first():
    cache = ColumnCache(160)
    kept, _ = cache.get("a", column), cache.get("b", column)
    cache.get("a", column)

    cache.get("c", column)

    assert cache.bytes == 160
    assert cache.get("a", column) is kept
    assert len(cache.get("b", lambda: column(4))) == 4


def test_a_column_larger_than_the_cache_is_not_kept():
    cache = ColumnCache(79)

    assert len(cache.get("a", column)) == 10

    assert cache.bytes == 0


def test_threads_that_share_a_cache_never_exceed_its_bytes():
    cache = ColumnCache(800)
    seen = []

    def work(seed):
        for i in range(300):
            key = (seed * i) % 23
            assert len(cache.get(key, lambda k=key: column(k + 1))) == key + 1
            seen.append(cache.bytes)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (3, 5, 7, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 1200
    assert 0 <= cache.bytes <= 800

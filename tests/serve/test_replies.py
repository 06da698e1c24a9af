import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gpuboard.serve.replies import Replies


def test_what_is_being_computed_is_computed_once_for_all_who_ask():
    replies = Replies(max_bytes=1000)
    started, go_on = threading.Event(), threading.Event()
    computed = []

    def compute():
        computed.append(1)
        started.set()
        go_on.wait(10)
        return b"reply"

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(replies.get, "key", compute)
        started.wait(10)
        others = [pool.submit(replies.get, "key", compute) for _ in range(7)]
        go_on.set()

        assert [asked.result() for asked in (first, *others)] == [b"reply"] * 8
    assert len(computed) == 1


def test_a_failure_reaches_who_asked_and_the_next_one_tries_again():
    replies = Replies(max_bytes=1000)

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        replies.get("key", fail)

    assert replies.get("key", lambda: b"yes") == b"yes"


def test_the_reply_used_longest_ago_goes_when_the_bytes_run_out():
    replies = Replies(max_bytes=10)
    replies.get("a", lambda: b"aaaa")
    replies.get("b", lambda: b"bbbb")
    replies.get("a", lambda: b"unused")

    replies.get("c", lambda: b"cccc")

    assert replies.kept_bytes == 8
    assert replies.get("a", lambda: b"anew") == b"aaaa"
    assert replies.get("b", lambda: b"anew") == b"anew"

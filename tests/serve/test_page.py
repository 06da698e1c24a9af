"""Pages as documents: modules in slots, state from the address, failures as messages."""

from __future__ import annotations

import gc
import weakref

import pytest
from bokeh.document import Document
from bokeh.document.events import MessageSentEvent

from gpuboard.errors import NotFoundError
from gpuboard.serve.context import Context, first_page, rail
from gpuboard.serve.models.es_module import EsModule, ModuleEvent
from gpuboard.serve.page import Page, PageSpec, state_of
from gpuboard.serve.static_files import static_url


def nothing(page):
    pass


@pytest.fixture
def make_page(fake_store):
    def make(build=nothing, state=None):
        page = Page(
            Document(), Context(fake_store()), PageSpec("p", "P", "i", 1, build), state or {}
        )
        page.build()
        return page

    return make


def roots_of(page, name):
    return [root for root in page.doc.roots if root.name == name]


def messages_of(doc):
    heard = []
    doc.on_change(
        lambda event: heard.append(event) if isinstance(event, MessageSentEvent) else None
    )
    return heard


def test_modules_are_roots_named_by_their_slot_after_the_frame(make_page):
    page = make_page(lambda page: page.add_module("a.js", "main", {"k": [1]}))

    frame, module = page.doc.roots
    assert (frame.name, frame.module) == ("frame", static_url("frame.js"))
    assert (module.name, module.module, module.state) == ("main", static_url("a.js"), {"k": [1]})
    page.doc.validate()


def test_a_fault_while_building_becomes_a_message_with_the_id_of_the_log(make_page, caplog):
    def build(page):
        page.add_module("half.js")
        raise RuntimeError("secret inside")

    page = make_page(build)

    (module,) = roots_of(page, "main")
    assert module.module == static_url("message.js")
    text = " ".join(module.state["lines"])
    assert "secret" not in text
    assert caplog.records[0].args[0] in text
    assert "secret inside" in caplog.text
    assert len(roots_of(page, "frame")) == 1


def test_an_error_that_is_meant_for_people_is_shown_as_it_is(make_page):
    def build(page):
        raise NotFoundError("run 7 has no tag 'x'")

    (module,) = roots_of(make_page(build), "main")

    assert module.state["lines"] == ["run 7 has no tag 'x'"]


def test_what_a_module_says_reaches_its_listeners_by_name():
    model, heard = EsModule(), []
    model.on("select", heard.append)

    for name in ("select", "other"):
        model._trigger_event(ModuleEvent(model, name, {"run": 1}))

    assert heard == [{"run": 1}]


def test_what_is_sent_to_a_module_is_a_message_and_stays_in_no_document(make_page):
    page = make_page()
    heard = messages_of(page.doc)
    before = page.doc.to_json()

    page.tell_version(5)

    (event,) = heard
    assert event.msg_type == f"gpuboard:{page.frame.id}"
    assert event.msg_data == ["version", 5]
    assert page.doc.to_json() == before


def test_sending_before_there_is_a_document_does_nothing():
    EsModule().send("x")


def test_state_changes_by_key():
    model = EsModule(state={"a": 1, "b": 2})

    model.update_state(b=3)

    assert model.state == {"a": 1, "b": 3}


def test_a_document_with_modules_survives_its_own_json(make_page):
    page = make_page(lambda page: page.add_module("a.js", state={"t": "<b>"}))

    copy = Document.from_json(page.doc.to_json())

    assert [root.module for root in copy.roots] == [root.module for root in page.doc.roots]


def test_the_address_becomes_state_without_token_and_within_caps():
    arguments = {"a": [b"1", b"2"], "token": [b"t"], "bokeh-session-id": [b"x"], "bad": [b"\xff"]}
    arguments |= {"long": [b"x" * 2001], "just": [b"x" * 2000]}
    state = state_of(arguments)

    assert state == {"a": "2", "bad": "\ufffd", "just": "x" * 2000}


def test_no_address_makes_a_large_state():
    state = state_of({f"key{n}": [b"x" * 1900] for n in range(100)})
    many = state_of({f"{n}": [b""] for n in range(1000)})

    assert sum(len(key) + len(value) for key, value in state.items()) <= 8000
    assert len(many) == 64


def test_a_timer_ends_with_the_object_whose_method_it_calls(make_page):
    page = make_page()
    ticks = []

    class Ticker:
        def tick(self):
            ticks.append(1)

    ticker = Ticker()
    page.every(1, ticker.tick)
    (callback,) = page.doc.session_callbacks
    callback.callback()
    reference = weakref.ref(ticker)
    del ticker
    gc.collect()
    callback.callback()

    assert reference() is None
    assert ticks == [1]
    assert page.doc.session_callbacks == []


def test_a_listener_that_fails_at_the_end_does_not_stop_the_others(make_page, caplog):
    page = make_page()
    ended = []
    page.on_close(lambda: 1 / 0)
    page.on_close(lambda: ended.append(1))

    page.doc.callbacks.session_destroyed_callbacks.copy().pop()(None)

    assert ended == [1]
    assert page.context.sessions.live_sessions == 0
    assert "failed at its end" in caplog.text


def test_the_rail_says_which_pages_have_data_and_what_the_others_need(fake_store):
    pages = [
        PageSpec("images", "Images", "i", 2, nothing, ("image",)),
        PageSpec("audio", "Audio", "a", 3, nothing, ("audio",), "log some audio"),
        PageSpec("scalars", "Scalars", "s", 1, nothing, ("scalar",)),
        PageSpec("health", "Health", "h", 9, nothing),
    ]
    context = Context(fake_store(), pages=pages)

    entries = rail(context)

    assert [(entry.name, entry.lit) for entry in entries] == [
        ("scalars", True),
        ("images", False),
        ("audio", False),
        ("health", True),
    ]
    assert [entry.why for entry in entries] == [
        "",
        "no run has logged any image yet",
        "log some audio",
        "",
    ]
    assert first_page(context) == "scalars"
    assert first_page(Context(fake_store("audio"), pages=pages)) == "audio"


@pytest.mark.parametrize("name", ["hparams.yaml", "config.json"])
def test_a_file_of_hyperparameters_beside_the_events_lights_their_page(tmp_path, name):
    from gpuboard.eventlog.append import EventFileWriter
    from gpuboard.serve.context import Kinds
    from gpuboard.store.side_files import HPARAM_FILES
    from gpuboard.store.store import Store
    from gpuboard.summaries.side_hparams import READERS

    with EventFileWriter(tmp_path / "run") as writer:
        writer.add_scalar("loss", 1.0, 0)
    store = Store(tmp_path)
    store.refresh()
    assert Kinds().of(store.catalogue().runs, tmp_path) == {"scalar"}

    (tmp_path / "run" / name).write_text("{}")

    assert Kinds().of(store.catalogue().runs, tmp_path) == {"scalar", "hparams"}
    assert set(HPARAM_FILES) == set(READERS)

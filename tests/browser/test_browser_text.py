"""The Text page: what cards show, what is found, what changed, and that nothing executes."""

from __future__ import annotations

import pytest

from gpuboard.analysis.markdown import rendered
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.serve.static_files import static_url
from gpuboard.store.store import Store
from gpuboard.summaries.tensor import encode_strings
from gpuboard.summaries.text import encode
from tests.payloads import PAYLOADS

CONTENT = "[...document.querySelectorAll('.vc .tx-content')]"
ACTS = """[...document.querySelectorAll('.vc-body, #attic')].flatMap(part =>
  [...part.querySelectorAll('*')].filter(e =>
    /^(script|style|img|svg|math|iframe|object|embed|form|input|video|audio|link|meta|base)$/i
      .test(e.tagName) ||
    [...e.attributes].some(a => a.name.startsWith('on') || a.name === 'id' || a.name === 'src' ||
      (a.name === 'href' && !/^(https?|mailto):/.test(e.href)))))"""


def store_of(tmp_path, **runs):
    """Runs by name, each a list of (tag, text, step) or of (value, step)."""
    for run, logged in runs.items():
        with EventFileWriter(tmp_path / run) as writer:
            for *what, step in logged:
                writer.add_value(encode(*what) if len(what) == 2 else what[0], step)
    store = Store(tmp_path)
    store.refresh()
    return store


def notes(tmp_path):
    def note(step, mood):
        return ("val/note", f"**Step {step}** is {mood}\n\n- one\n- two", step)

    return store_of(
        tmp_path,
        base=[note(0, "poor"), note(10, "fair"), note(20, "good")],
        wide=[note(0, "poor"), note(10, "great"), note(20, "great")],
    )


@pytest.fixture
def tab(open_store, tmp_path):
    return open_store(notes(tmp_path), "text").until(f"{CONTENT}.length === 2")


def test_markdown_is_shown_as_such_or_as_it_was_logged(tab):
    assert tab.texts(".vc .tx-md strong") == ["Step 20", "Step 20"]
    assert tab.texts(".vc-title") == ["note", "note"]

    tab.page.click("button:text('Markdown')")
    tab.until("document.querySelectorAll('.vc .tx-plain').length === 2")

    assert tab.texts(".vc .tx-plain")[0] == "**Step 20** is good\n\n- one\n- two"
    tab.reload().until("document.querySelectorAll('.vc .tx-plain').length === 2")


def test_the_linked_slider_reaches_every_step(tab):
    tab.page.keyboard.press("ArrowLeft")
    tab.until(f"{CONTENT}.map(e => e.textContent).join().includes('is fair')")

    tab.page.keyboard.press("ArrowLeft")
    tab.until(f"{CONTENT}.every(e => e.textContent.includes('is poor'))")


@pytest.mark.parametrize("part", range(3))
def test_nothing_that_was_logged_executes(open_store, tmp_path, part):
    payloads = [payload.replace("alert(", "window.hacked=(") for payload in PAYLOADS[part::3]]
    logged = [(f"hostile/{i}", payload, 0) for i, payload in enumerate(payloads)]
    tab = open_store(store_of(tmp_path, run=logged), "text")
    tab.page.set_viewport_size({"width": 1280, "height": 6000})
    tab.until(f"{CONTENT}.length === {len(payloads)}")

    tab.page.click("button:text('Markdown')")
    tab.until(f"document.querySelectorAll('.vc .tx-plain').length === {len(payloads)}")
    tab.page.click("button:text('Markdown')")
    tab.until(f"document.querySelectorAll('.vc .tx-md').length === {len(payloads)}")

    assert tab.evaluate("window.hacked") is None
    assert tab.evaluate(f"{ACTS}.map(e => e.outerHTML)") == []


def rebuilt(tab, html):
    """Send HTML through the page's own sanitiser into the page; returns what stands there."""
    return tab.page.evaluate(
        """async ([module, html]) => {
          const { sanitised } = await import(module);
          const attic = document.createElement('div');
          attic.id = 'attic';
          document.body.append(attic);
          attic.append(sanitised(html));
          return attic.innerHTML;
        }""",
        [f"{tab.url}/{static_url('sanitised.js')}", html],
    )


def test_the_page_trusts_no_html_of_the_server(open_store, tmp_path):
    tab = open_store(notes(tmp_path), "text", may_fail=True)
    for payload in PAYLOADS:
        rebuilt(tab, payload.replace("alert(", "window.hacked=("))

    tab.page.wait_for_timeout(100)
    assert tab.evaluate("window.hacked") is None
    assert tab.evaluate(f"{ACTS}.map(e => e.outerHTML)") == []
    # Chromium tells of handlers that its parser met and the policy of the page forbids.
    assert not [fault for fault in tab.faults if "inline event handler violates" not in fault]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** *b* `c`", "<p><strong>a</strong> <em>b</em> <code>c</code></p>"),
        (
            "[a](https://b.example/)",
            '<p><a href="https://b.example/" rel="noopener noreferrer nofollow" target="_blank"'
            ' title="https://b.example/">a</a></p>',
        ),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("a < b &amp; c", "<p>a &lt; b &amp; c</p>"),
    ],
)
def test_the_page_keeps_what_markdown_means(tab, text, html):
    assert rebuilt(tab, rendered(text)).strip() == html


def test_html_nested_without_end_ends(tab):
    assert rebuilt(tab, "<em>" * 500 + "deep").count("<em>") <= 101


def test_a_search_lists_what_it_finds_marks_it_and_goes_there(tab):
    tab.page.fill("[aria-label='Search in texts']", "FAIR")
    tab.until("document.querySelectorAll('.tx-hit').length === 1")
    assert tab.texts(".tx-hit mark") == ["fair"]
    assert tab.texts(".tx-results .count") == ["Found in 1 of 6 texts"]

    tab.page.click(".tx-hit")
    tab.until("CSS.highlights.get('tx-found')?.size === 1")
    assert tab.evaluate("[...CSS.highlights.get('tx-found')][0].toString()") == "fair"
    assert "stepAt=10" in tab.page.url or tab.until("location.search.includes('stepAt=10')")

    tab.page.click("[title='End the search']")
    tab.until("CSS.highlights.get('tx-found').size === 0")
    assert tab.evaluate("document.querySelector('.tx-results').hidden")


def test_a_search_by_expression_marks_across_elements(tab):
    tab.page.click("[title='Use a regular expression (RE2)']")
    tab.page.fill("[aria-label='Search in texts']", r"is (good|great)")

    tab.until("document.querySelectorAll('.tx-hit').length === 3")

    tab.until("CSS.highlights.get('tx-found')?.size === 2")


def test_a_wrong_expression_is_told(open_store, tmp_path):
    tab = open_store(notes(tmp_path), "text?textSearch=(a&textRegex=1", may_fail=True)

    tab.until("document.querySelector('.tx-results .field-error')")

    assert tab.texts(".tx-results .count") == ["not a regular expression of RE2: missing )"]


def test_two_steps_are_compared_side_by_side_or_inline(tab):
    tab.page.locator(".vc").first.hover()
    tab.page.locator(".vc button:text('Compare')").first.click()
    tab.until("document.querySelectorAll('.tx-rows.is-side tr').length === 4")

    assert tab.texts(".tx-rows del") == ["0", "poor"]
    assert tab.texts(".tx-rows ins") == ["20", "good"]

    tab.page.click("button:text('Inline')")
    tab.until("document.querySelectorAll('.tx-rows.is-inline tr').length === 5")
    tab.reload().until("document.querySelectorAll('.tx-rows.is-inline tr').length === 5")
    tab.page.keyboard.press("Escape")
    tab.until(f"{CONTENT}.length === 2")


def test_two_runs_are_compared_at_the_same_step(tab):
    tab.page.locator(".vc").first.hover()
    tab.page.locator(".vc button:text('Compare')").first.click()
    tab.until("document.querySelectorAll('.tx-rows tr').length")

    tab.page.locator(".tx-side").first.get_by_label("Step").select_option("step 20")
    tab.page.locator(".tx-side").nth(1).get_by_label("Run").select_option("wide")

    tab.until("document.querySelector('.tx-rows ins')?.textContent === 'great'")
    assert tab.texts(".tx-rows del") == ["good"]
    tab.page.click("button:text('Swap')")
    tab.until("document.querySelector('.tx-rows ins')?.textContent === 'good'")


def test_all_steps_are_listed_newest_first_as_far_as_one_looks(open_store, tmp_path):
    long = "\n\n".join(["a line"] * 20)
    logged = [("note", f"**number {step}**\n\n{long}", step) for step in range(50)]
    tab = open_store(store_of(tmp_path, run=logged), "text").until(f"{CONTENT}.length === 1")
    tab.page.locator(".vc").first.hover()
    tab.page.click("[title='All steps']")

    tab.until("document.querySelectorAll('.tx-entry').length === 20")
    assert tab.texts(".tx-entry .tx-md strong")[:2] == ["number 49", "number 48"]
    tab.page.locator(".tx-entry").last.scroll_into_view_if_needed()
    tab.until("document.querySelectorAll('.tx-entry').length === 40")

    tab.page.locator(".tx-entry").nth(5).locator("button:text('What changed')").click()
    tab.until("document.querySelector('.tx-rows ins')?.textContent === '44'")
    assert tab.texts(".tx-rows del") == ["43"]


def test_what_is_logged_meanwhile_comes_on_top_of_all_steps(open_store, tmp_path):
    store = store_of(tmp_path, run=[("note", f"**n{step}**", step) for step in range(3)])
    tab = open_store(store, "text").until(f"{CONTENT}.length === 1")
    tab.page.locator(".vc").first.hover()
    tab.page.click("[title='All steps']")
    tab.until("document.querySelectorAll('.tx-entry').length === 3")
    tab.evaluate("document.querySelector('.tx-entry').dataset.kept = 'yes'")

    with EventFileWriter(tmp_path / "run") as writer:
        writer.add_value(encode("note", "**n3**"), 3)
    store.refresh()

    tab.until("document.querySelectorAll('.tx-entry').length === 4")
    assert tab.texts(".tx-entry .tx-md strong") == ["n3", "n2", "n1", "n0"]
    assert tab.texts(".tx-opened-body > .tx-note") == ["4 texts"]
    assert tab.evaluate("document.querySelectorAll('.tx-entry')[1].dataset.kept") == "yes"


def test_a_long_text_is_folded_until_asked(open_store, tmp_path):
    logged = [("note", "\n\n".join(f"line {i}" for i in range(100)), 0)]
    tab = open_store(store_of(tmp_path, run=logged), "text").until(f"{CONTENT}.length === 1")
    height = "document.querySelector('.tx-fold').offsetHeight"
    assert tab.evaluate(height) == 300

    tab.page.click("button:text('Show all')")

    assert tab.evaluate(height) > 2000
    tab.page.click("button:text('Show less')")
    assert tab.evaluate(height) == 300


def test_tensors_are_tables_and_json_is_set_in_lines(open_store, tmp_path):
    cells = [b"*a*", b"b", b"c", b"d"] * 2
    deep = Summary.Value(tag="deep", tensor=encode_strings(cells, [2, 2, 2]))
    deep.metadata.plugin_data.plugin_name = "text"
    store = store_of(tmp_path, run=[(deep, 0), ("args", '{"lr": 0.10, "on": true}', 0)])
    tab = open_store(store, "text").until(f"{CONTENT}.length === 2")

    cells = tab.evaluate("[...document.querySelectorAll('.tx-table td')].map(e => e.innerText)")
    assert cells == ["a", "b", "c", "d"]
    assert tab.texts(".tx-note") == ["A tensor of shape 2 × 2 × 2: the slice [0, :, :] is shown."]
    assert tab.texts(".tx-json") == ['{\n  "lr": 0.10,\n  "on": true\n}']
    assert tab.texts(".tx-key") == ['"lr"', '"on"']


def test_without_texts_the_page_says_what_to_log(open_store, tmp_path):
    with EventFileWriter(tmp_path / "run") as writer:
        writer.add_scalar("loss", 1.0, 0)
    store = Store(tmp_path)
    store.refresh()

    tab = open_store(store, "text").until("document.querySelector('.vp .empty code')")

    assert "writer.add_text(" in tab.texts(".vp .empty code")[0]

"""Pages in Chromium: modules run, strings from logs do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpuboard.serve.page import PageSpec

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
IS_IDLE = "window.Bokeh?.documents.length && Bokeh.documents.every((d) => d.is_idle)"
PAYLOADS = [
    "<img src=x onerror=\"document.documentElement.dataset.xss='{n}'\">",
    "<script>document.documentElement.dataset.xss='{n}'</script>",
    "</script><script>document.documentElement.dataset.xss='{n}'</script>",
    "<svg onload=\"document.documentElement.dataset.xss='{n}'\">",
    "<iframe srcdoc=\"<script>parent.document.documentElement.dataset.xss='{n}'</script>\">",
    "$$\\href{{javascript:document.documentElement.dataset.xss='{n}'}}{{x}}$$",
    "{{{{ 7 * 7 }}}} ${{document.documentElement.dataset.xss='{n}'}}",
    "'\"><a href=\"javascript:document.documentElement.dataset.xss='{n}'\">x</a>",
]


def hostile(place):
    return "\n".join(payload.format(n=place) for payload in PAYLOADS)


@pytest.fixture(scope="module")
def chromium():
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, eventually):
    """Open an address in a browser of its own; what went wrong there stands in `page.faults`."""
    contexts = []

    def open_one(url):
        context = chromium.new_context()
        contexts.append(context)
        page = context.new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on(
            "console",
            lambda line: page.faults.append(line.text) if line.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith("http://127.0.0.1:")
                else page.faults.append(request.url)
            ),
        )
        page.goto(url)
        assert eventually(lambda: page.evaluate(IS_IDLE))  # polling in the page would need eval
        return page

    yield open_one
    for context in contexts:
        context.close()


def build_hostile(page):
    """Show every string that executes somewhere in Bokeh by the ways that are allowed here."""
    from bokeh.models import Button, Select, Slider, TabPanel, Tabs
    from bokeh.plotting import figure

    from gpuboard.serve.text import plain, text_block

    page.doc.title = hostile("title")
    page.add_module("message.js", "main", {"title": hostile("module"), "lines": [hostile("line")]})
    page.doc.add_root(text_block(hostile("block"), name="main"))
    plot = figure(width=200, height=200, title=hostile("figure"), name="main")
    plot.line([0, 1], [0, 1], legend_label=plain(hostile("legend")))
    plot.xaxis.axis_label = hostile("axis")
    page.doc.add_root(plot)
    select = Select(title=hostile("select"), options=[hostile("option")], name="main")
    button = Button(label=hostile("button"), name="main")
    tabs = Tabs(tabs=[TabPanel(child=text_block("x"), title=hostile("tab"))], name="main")
    slider = Slider(start=0, end=1, value=0, step=1, title=hostile("slider"), name="main")
    button.on_click(lambda: page.show_message(hostile("clicked"), hostile("after")))
    for root in (select, button, tabs, slider):
        page.doc.add_root(root)


def test_no_string_of_a_log_runs_in_a_page(serve, open_page, eventually):
    spec = PageSpec(
        "hostile",
        hostile("spec"),
        hostile("icon"),
        1,
        build_hostile,
        ("image",),
        hostile("why"),
        components=("widgets",),
    )
    server = serve(pages=[spec]).server

    page = open_page(server.url.replace("?", f"hostile?q={'%3Cscript%3E'}&"))
    shown = page.locator(".message").inner_text()
    page.locator("button", has_text="img").first.click()
    assert eventually(
        lambda: page.evaluate(
            "document.querySelector('.message h2')?.textContent.includes(\"xss='clicked'\")"
        )
    )

    assert "<img src=x" in shown
    assert [fault for fault in page.faults if "Content Security Policy" in fault] == []
    assert page.evaluate("document.documentElement.dataset.xss") is None
    assert "token" not in page.url


def test_the_policy_stops_what_gets_in_all_the_same(serve, open_page):
    server = serve().server
    page = open_page(server.url)

    page.evaluate(
        """() => {
            const place = document.createElement("div");
            place.innerHTML = `<img src=x onerror="document.documentElement.dataset.xss='img'">`;
            document.body.append(place);
            const script = document.createElement("script");
            script.textContent = "document.documentElement.dataset.xss = 'script'";
            document.body.append(script);
        }"""
    )
    page.wait_for_timeout(200)

    assert page.evaluate("document.documentElement.dataset.xss") is None
    assert any("Content Security Policy" in fault for fault in page.faults)


def test_a_module_that_fails_says_so_in_its_place_and_the_others_run(serve, open_page):
    def build(page):
        page.add_module("no_such_module.js")
        page.add_module("message.js", state={"title": "still here"})

    server = serve(pages=[PageSpec("p", "P", "scalars", 1, build)]).server

    page = open_page(server.url)
    page.wait_for_selector(".module-failure")

    assert "no_such_module.js" in page.locator(".module-failure").inner_text()
    assert "still here" in page.locator(".message").inner_text()


def test_a_module_and_python_speak_with_each_other(
    serve, open_page, tmp_path, monkeypatch, eventually
):
    import numpy as np

    from gpuboard.serve import application, static_files
    from gpuboard.serve.static_files import modules_of

    (tmp_path / "probe.js").write_text(
        """export default { render({ el, model }) {
            const show = () => {
                const { x } = model.arrays;
                const part = x.subarray(1, 3);
                el.textContent = [
                    x.constructor.name, [...part].join(), part.constructor.name,
                    JSON.stringify(model.state),
                ].join(" ");
            };
            model.on("state", show);
            model.on("arrays", show);
            model.on("pong", (detail) => { el.dataset.pong = JSON.stringify(detail); });
            show();
            model.send("ping", { run: 1 });
            return () => { document.body.dataset.disposed = "yes"; };
        } };"""
    )
    starts = ("start.js", "frame.js", "host.js")
    parts = {part for name in starts for part in modules_of(name)}
    for name in (*parts, "joined.js", "joined_load.js"):
        (tmp_path / name).write_bytes((static_files.STATIC / name).read_bytes())
    monkeypatch.setattr(application, "STATIC", tmp_path)
    heard = []

    def build(page):
        arrays = {"x": np.arange(4.0)}
        module = page.add_module("probe.js", state={"n": {"deep": [1]}}, arrays=arrays)

        def answer(detail):
            heard.append(detail)
            module.send("pong", {"got": detail})
            module.update_state(n=2)

        def end(_):
            page.doc.remove_root(module)

        module.on("ping", answer)
        page.frame.on("end", end)

    server = serve(pages=[PageSpec("p", "P", "scalars", 1, build)]).server
    page = open_page(server.url)
    place = page.locator("main .module")
    assert eventually(
        lambda: page.evaluate(
            "document.querySelector('main .module').textContent.endsWith('{\"n\":2}')"
        )
    )

    assert place.inner_text() == 'Float64Array 1,2 Float64Array {"n":2}'
    assert place.get_attribute("data-pong") == '{"got":{"run":1}}'
    assert heard == [{"run": 1}]


def test_a_page_works_behind_a_proxy_that_strips_a_prefix(serve, open_page, free_port):
    from gpuboard.serve.context import ServeConfig

    names = (f"127.0.0.1:{free_port}",)
    client = serve(config=ServeConfig(port=0, allow_hosts=names))
    with stripping_proxy(free_port, client.port, "/user/x/proxy/6006"):
        url = f"http://127.0.0.1:{free_port}/user/x/proxy/6006/?token={client.server.token}"
        page = open_page(url)

        assert page.url == f"http://127.0.0.1:{free_port}/user/x/proxy/6006/scalars"
        assert page.locator(".message").inner_text().startswith("hello")


def stripping_proxy(port, target, prefix):
    """Pass bytes on, with `prefix` cut from request lines; one request a connection."""
    import contextlib
    import socketserver
    import threading
    from socket import create_connection

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            line = self.rfile.readline().replace(b" " + prefix.encode(), b" ", 1)
            head = [line]
            while (header := self.rfile.readline()).strip():
                if not header.lower().startswith(b"connection: keep-alive"):
                    head.append(header)
            if b"upgrade: websocket" not in b"".join(head).lower():
                head.append(b"Connection: close\r\n")
            with create_connection(("127.0.0.1", target)) as upstream:
                upstream.sendall(b"".join([*head, b"\r\n"]))
                back = threading.Thread(target=pump, args=(upstream, self.connection), daemon=True)
                back.start()
                pump(self.connection, upstream)
                back.join()

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(1)
            source.shutdown(0)

    class Proxy(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    @contextlib.contextmanager
    def running():
        with Proxy(("127.0.0.1", port), Handler) as proxy:
            thread = threading.Thread(target=proxy.serve_forever, daemon=True)
            thread.start()
            yield
            proxy.shutdown()
            thread.join()

    return running()

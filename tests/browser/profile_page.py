"""Open one tab of the Profile page on small traces."""

from __future__ import annotations

from gpuboard.store.store import Store


def open_profile(open_store, logdir, tab, until, **query):
    """Open a tab and wait for an expression to hold."""
    choices = "&".join(f"{key}={value}" for key, value in query.items())
    return open_store(Store(logdir), f"profile?profileTab={tab}&{choices}").until(until)


def rows_of(tab, label):
    """Return the visible rows of a table, each as the texts of its cells, once it is painted."""
    return tab.evaluate(
        f"""(async () => {{
          const frame = () => new Promise((done) => requestAnimationFrame(done));
          await frame();
          await frame();
          const grid = document.querySelector('.pk-grid[aria-label="{label}"]');
          const rows = [...grid.querySelectorAll('.grid-row')].filter((row) => !row.hidden);
          rows.sort((a, b) => a.getAttribute('aria-rowindex') - b.getAttribute('aria-rowindex'));
          return rows.map((row) => [...row.children].map((cell) => cell.textContent));
        }})()"""
    )


def column_of(tab, label, number):
    """Return one column of the visible rows of a table."""
    return [row[number] for row in rows_of(tab, label)]


def sort_by(tab, label, title):
    """Click the head of a column."""
    grid = f".pk-grid[aria-label={label!r}]"
    tab.page.click(f"{grid} .grid-head button:text-is({title!r})")


def type_filter(tab, label, text):
    """Type into the filter of a table."""
    tab.page.fill(f"input[aria-label={f'Filter {label}'!r}]", text)


def figures(tab):
    """Return the figures in rows by their names."""
    return tab.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.pk-figures > div')]"
        ".map((one) => [one.children[0].textContent, one.children[1].textContent]))"
    )

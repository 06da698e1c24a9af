"""Hold the style sheet of the page that `gpuboard profile --html` writes."""

from __future__ import annotations

_LIGHT = """
  color-scheme: light;
  --bg: #f7f8f9; --surface: #ffffff; --sunken: #f1f2f4; --line: #e5e7eb; --grid: #eceef1;
  --text: #1a1e24; --muted: #59626f; --faint: #6f7885; --accent: #4456d6; --warn: #8f5a00;
  --warn-soft: rgb(214 145 10 / 12%); --window: rgb(191 54 54 / 9%); --on-mark: #ffffff;
  --compute: #37895d; --comm: #a24d9a; --memory: #b97a14; --input: #cf5a35; --sync: #bb3a52;
  --host: #4a6dcc; --launch: #2b89a0; --pause: #8b95a2; --queued: #7f6dc0; --unknown: #b9c0ca;
  --plain: #4456d6; --good: #37895d; --bad: #c2413b;
"""
_DARK = """
  color-scheme: dark;
  --bg: #0d0f12; --surface: #14171b; --sunken: #1a1e23; --line: #23282e; --grid: #20252b;
  --text: #e3e6ea; --muted: #9aa3ae; --faint: #7f8894; --accent: #8d9bff; --warn: #e0ab52;
  --warn-soft: rgb(224 171 82 / 12%); --window: rgb(240 127 122 / 13%); --on-mark: #0d0f12;
  --compute: #56b98a; --comm: #cf8bc8; --memory: #dca74d; --input: #f0875f; --sync: #ec7d8d;
  --host: #86a2f5; --launch: #5fbfd6; --pause: #707a86; --queued: #ada0ea; --unknown: #4a525c;
  --plain: #8d9bff; --good: #56b98a; --bad: #f07f7a;
"""
_ROLES = (
    "compute", "comm", "memory", "input", "sync", "host", "launch", "pause", "queued", "unknown",
    "plain", "good", "bad",
)  # fmt: skip

_RULES = """
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--bg); color: var(--text);
  font: 14px/1.5 -apple-system, BlinkMacSystemFont, "Segoe UI Variable Text", "Segoe UI", Inter,
    Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 48px; }
h1 { margin: 0; font-size: 20px; font-weight: 650; line-height: 1.3; overflow-wrap: anywhere; }
h2 { margin: 0 0 12px; font-size: 15px; font-weight: 650; }
h3 { margin: 0; font-size: 15px; font-weight: 650; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.kicker { margin: 0 0 2px; color: var(--faint); font-size: 12px; overflow-wrap: anywhere; }
.subtitle { margin: 2px 0 0; color: var(--muted); }
nav { display: flex; flex-wrap: wrap; gap: 4px 14px; margin: 12px 0 20px; font-size: 13px; }
.contents { width: 100%; border-collapse: collapse; font-size: 13px; }
.contents td { padding: 5px 14px 5px 0; border-top: 1px solid var(--line); }
.contents td:first-child { overflow-wrap: anywhere; }
.contents td:nth-child(2) { color: var(--muted); }
.contents td:last-child { width: 190px; padding-right: 0; }
section.contents-card { margin-bottom: 44px; }
.report + .report { margin-top: 56px; padding-top: 40px; border-top: 1px solid var(--line); }
.card {
  margin: 0 0 14px; padding: 18px 20px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--surface);
}
section.card > * + * { margin-top: 14px; }
section.card > h2 + * { margin-top: 0; }
.finding { display: grid; grid-template-columns: 76px minmax(0, 1fr); gap: 0 18px; }
.finding + .finding { margin-top: 18px; padding-top: 18px; border-top: 1px solid var(--line); }
.finding p { margin: 4px 0 0; max-width: 78ch; overflow-wrap: anywhere; }
.finding .advice { color: var(--muted); }
.finding .advice b { color: var(--text); font-weight: 600; }
.ring { width: 76px; height: 76px; }
.ring .track { fill: none; stroke: var(--sunken); stroke-width: 9; }
.ring .arc { fill: none; stroke-width: 9; }
.ring text { fill: var(--text); font-size: 19px; font-weight: 650; text-anchor: middle; }
.gain {
  margin-left: 8px; padding: 1px 7px; border-radius: 9px; background: var(--sunken);
  color: var(--muted); font-size: 12px; font-weight: 400; white-space: nowrap;
}
.proofs { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 6px 0 0; font-size: 12.5px; }
.proofs dt, .facts dt { color: var(--faint); }
.proofs dd, .facts dd { margin: 0; overflow-wrap: anywhere; }
.proofs div { display: flex; gap: 6px; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 28px; margin: 0; }
.facts dt { font-size: 12px; line-height: 1.3; }
.note { margin: 0; color: var(--muted); font-size: 13px; overflow-wrap: anywhere; }
.warning {
  padding: 6px 10px; border-radius: 4px; background: var(--warn-soft); color: var(--warn);
}
.label { margin: 0 0 6px; font-weight: 600; }
svg { display: block; }
.stack { width: 100%; height: 26px; border-radius: 4px; }
.legend { width: 100%; margin-top: 8px; border-collapse: collapse; font-size: 13px; }
.legend td { padding: 2px 14px 2px 0; white-space: nowrap; text-align: right; }
.legend td:first-child { width: 18px; padding-right: 8px; }
.legend td:nth-child(2), .legend td:last-child { text-align: left; }
.legend td:last-child { width: 99%; color: var(--faint); white-space: normal; }
.swatch { width: 10px; height: 10px; border-radius: 2px; }
.scroll { overflow-x: auto; }
table.rows { width: 100%; border-collapse: collapse; font-size: 13px; }
.rows th {
  padding: 0 14px 5px 0; color: var(--faint); font-size: 12px; font-weight: 400; text-align: right;
  vertical-align: bottom; white-space: nowrap;
}
.rows td {
  padding: 4px 14px 4px 0; border-top: 1px solid var(--line); text-align: right;
  white-space: nowrap;
}
.rows .left, .rows .name, .rows .prose, .rows .bars { text-align: left; }
.rows td.prose { width: 99%; white-space: normal; overflow-wrap: anywhere; }
.rows td.name {
  min-width: 200px; font: 12px/1.45 ui-monospace, "SF Mono", Menlo, Consolas,
  "Liberation Mono", monospace; white-space: normal; overflow-wrap: anywhere;
}
.rows td:last-child, .rows th:last-child { padding-right: 0; }
.bar { display: flex; align-items: center; gap: 8px; }
.bar svg { flex: 1; min-width: 100px; height: 8px; border-radius: 2px; background: var(--sunken); }
.bar span { flex: none; min-width: 44px; color: var(--muted); text-align: right; }
.small-stack { width: 100%; min-width: 240px; height: 14px; border-radius: 2px; }
.more { margin: 6px 0 0; color: var(--faint); font-size: 12px; }
figure { margin: 0; }
figcaption { margin: 0 0 6px; color: var(--muted); font-size: 13px; }
.drawn { width: 100%; height: auto; }
.drawn text { fill: var(--faint); font-size: 11px; }
.drawn .lane { fill: var(--muted); }
.drawn .inside { fill: var(--on-mark); font-size: 10px; pointer-events: none; }
.drawn .i-unknown { fill: var(--text); }
.drawn .grid { stroke: var(--grid); stroke-width: 1; }
.drawn .axis { stroke: var(--line); stroke-width: 1; }
.drawn .area { fill: var(--memory); fill-opacity: 0.18; }
.drawn .line { fill: none; stroke: var(--memory); stroke-width: 1.5; }
.drawn .ceiling { stroke: var(--bad); stroke-width: 1; stroke-dasharray: 4 3; }
.drawn .roof { fill: none; stroke: var(--muted); stroke-width: 1.5; }
.drawn .told {
  fill: var(--muted); stroke: var(--surface); stroke-width: 3px; paint-order: stroke;
}
.drawn .window { fill: var(--window); }
.drawn .point { fill-opacity: 0.55; stroke-opacity: 0.9; }
footer { margin-top: 28px; color: var(--faint); font-size: 12px; }
@media (max-width: 640px) {
  main { padding: 20px 12px; }
  .card { padding: 14px; }
  .finding { grid-template-columns: 52px minmax(0, 1fr); gap: 0 12px; }
  .ring { width: 52px; height: 52px; }
  .small-stack { min-width: 120px; }
  .bar svg { min-width: 60px; }
  .legend td:last-child { display: none; }
  .drawn { min-width: 720px; }
  figure { overflow-x: auto; }
}
@media print {
  body { background: none; font-size: 11px; }
  .rows, table.rows, .legend, .note, .proofs, .facts dt, figcaption { font-size: 10.5px; }
  .rows td.name { font-size: 9.5px; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  .card { padding: 8px 0; border: 0; break-inside: avoid-page; }
  .rows tr, .finding { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


def style_sheet() -> str:
    """Return the whole sheet: both themes, and light colours on paper."""
    colours = "".join(
        f".r-{role} {{ fill: var(--{role}); }}\n.s-{role} {{ stroke: var(--{role}); }}\n"
        for role in _ROLES
    )
    themes = (
        f":root {{{_LIGHT}}}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{{_DARK}}} }}\n"
    )
    return f"{themes}{_RULES}{colours}"

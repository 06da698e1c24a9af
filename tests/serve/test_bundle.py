import json
import shutil
import subprocess

import pytest
from gpuboard.apps import PAGES

from gpuboard.errors import NotFoundError
from gpuboard.serve.bundle import Bundles
from gpuboard.serve.static_files import STATIC


@pytest.fixture
def bundles(tmp_path):
    """Write modules by name and join them."""
    for name in ("joined.js", "joined_load.js"):
        shutil.copy(STATIC / name, tmp_path)

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.js").write_text(source)
        return Bundles(tmp_path)

    return write


def run(script, tmp_path):
    """Return what a module script leaves in `globalThis.told`."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    place = tmp_path / "run.mjs"
    place.write_text(f"globalThis.told = [];\n{script}\nconsole.log(JSON.stringify(told));\n")
    done = subprocess.run([node, str(place)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_module_stands_behind_all_that_it_imports_and_once(bundles):
    made = bundles(
        a='import { b } from "./b.js";\nimport { c as d } from "./c.js";\nb(d);\n',
        b='import { c } from "./c.js";\n\nexport function b() { return c; }\n',
        c="export const c = 1;\n",
    )

    script = made.script("a.js")

    assert made.needed(["a.js"]) == ("c.js", "b.js", "a.js")
    assert [script.count(f'$define("{name}.js"') for name in "abc"] == [1, 1, 1]
    assert 'const { c: d } = $use("c.js");' in script
    assert "return { b };" in script


def test_imports_over_several_lines_keep_the_lines_behind_them_in_place(bundles):
    source = 'import {\n  x,\n  y as z,\n} from "./b.js";\nfail();\n'
    made = bundles(a=source, b="export class x {}\nexport const y = 1;\n")

    lines = made.page(["a.js"]).splitlines()

    start = next(i for i, line in enumerate(lines) if line.startswith('$define("a.js"'))
    assert lines[start + 1] == 'const { x, y: z } = $use("b.js");'
    assert lines.index("fail();") - start == source.splitlines().index("fail();") + 1


def test_modules_run_once_in_the_order_of_their_imports(bundles, tmp_path):
    made = bundles(
        a='import "./b.js";\nimport * as c from "./c.js";\n'
        'import { default as d } from "./d.js";\n'
        'told.push("a", c.one, c.two(), d.three);\n',
        b='import { one } from "./c.js";\ntold.push("b", one);\n',
        c='told.push("c");\nconst hidden = 2;\nexport const one = 1;\n'
        "export function two() { return hidden; }\n",
        d='import { one } from "./c.js";\nexport { one as two, one };\nexport default {\n'
        "  three: 2 + one,\n};\n",
    )

    assert run(made.page(["a.js"]), tmp_path) == ["c", "b", 1, "a", 1, 2, 3]


def test_a_part_shares_the_modules_that_run_already(bundles, tmp_path):
    made = bundles(
        a='import { seen } from "./state.js";\nseen.push("a");\n',
        b='import { seen } from "./state.js";\nexport const found = seen;\n',
        state="export const seen = [];\n",
    )
    part = made.part("b.js").replace("export default function ", "function part")

    script = f"{made.page(['a.js'])}{part}part({{ $define, $use, $load }});\n"
    found = run(f'{script}told.push(...$use("b.js").found);', tmp_path)

    assert found == ["a"]


@pytest.mark.parametrize(
    "source",
    [
        "export let x = 1;\n",
        "export default 1;\n",
        "export const { x } = {};\n",
        'export * from "./b.js";\n',
        'import b from "./b.js";\n',
        'import { b } from "elsewhere";\n',
        'const b = () => import("./b.js");\n',
        "const place = import.meta.url;\n",
    ],
)
def test_other_forms_are_refused(bundles, source):
    made = bundles(a=source, b="")

    with pytest.raises(ValueError, match=r"a\.js: cannot bundle"):
        made.page(["a.js"])


def test_what_a_page_imports_later_an_exported_view_cannot(bundles):
    made = bundles(a='const b = async () => (await import("./b.js")).b;\n', b="")

    assert 'await $load("./b.js")' in made.page(["a.js"])
    with pytest.raises(ValueError, match=r"a\.js: cannot bundle"):
        made.script("a.js")


def test_a_circle_is_refused(bundles):
    made = bundles(a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')

    with pytest.raises(ValueError, match=r"a\.js > b\.js > a\.js"):
        made.page(["a.js"])


def test_a_file_that_is_not_there_is_told(bundles):
    made = bundles(a="")

    for join in (made.page, made.sheet):
        with pytest.raises(NotFoundError, match=r"b\.(js|css)"):
            join(["b.js" if join == made.page else "b.css"])


def test_nothing_in_a_script_ends_its_element(bundles):
    made = bundles(a='const x = "</script><script>alert(1)";\n')

    assert "</script" not in made.script("a.js")


def test_the_viewer_of_exported_views_can_be_bundled():
    script = Bundles(STATIC).script("exported_view.js")

    assert "class LineChart" in script
    assert "fetch(" not in script


def test_every_module_can_be_joined():
    made = Bundles(STATIC)
    names = {path.name for path in STATIC.glob("*.js")} - {"joined.js", "joined_load.js"}

    parts = [made.part(name) for name in names]

    assert len(parts) > 2 * len(PAGES)

import pytest

from gpuboard.serve import bundle
from gpuboard.serve.bundle import bundled


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Write modules by name; what was bundled before is forgotten."""
    monkeypatch.setattr(bundle, "STATIC", tmp_path)
    bundled.cache_clear()
    bundle._source.cache_clear()

    def write(**sources):
        for name, source in sources.items():
            (tmp_path / f"{name}.js").write_text(source)

    yield write
    bundled.cache_clear()
    bundle._source.cache_clear()


def test_a_module_stands_behind_all_that_it_imports_and_once(modules):
    modules(
        a='import { b } from "./b.js";\nimport { c as d } from "./c.js";\nb(d);\n',
        b='import { c } from "./c.js";\n\nexport function b() { return c; }\n',
        c="export const c = 1;\n",
    )

    script = bundled("a.js")

    assert [script.count(f'modules["{name}.js"] =') for name in "abc"] == [1, 1, 1]
    assert script.index('["c.js"] =') < script.index('["b.js"] =') < script.index('["a.js"] =')
    assert 'const { c: d } = modules["c.js"];' in script
    assert "return { b };" in script


def test_imports_over_several_lines_are_understood(modules):
    modules(
        a='import {\n  x,\n  y as z,\n} from "./b.js";\n',
        b="export class x {}\nexport let y = 1;\n",
    )

    assert 'const { x, y: z } = modules["b.js"];' in bundled("a.js")


@pytest.mark.parametrize(
    "source",
    [
        'import * as b from "./b.js";\n',
        'import "./b.js";\n',
        "export default {};\n",
        "const x = 1;\nexport { x };\n",
        'const b = () => import("./b.js");\n',
    ],
)
def test_other_forms_are_refused(modules, source):
    modules(a=source, b="")

    with pytest.raises(ValueError, match=r"a\.js: cannot bundle"):
        bundled("a.js")


def test_a_circle_is_refused(modules):
    modules(a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')

    with pytest.raises(ValueError, match=r"a\.js > b\.js > a\.js"):
        bundled("a.js")


def test_nothing_in_a_script_ends_its_element(modules):
    modules(a='const x = "</script><script>alert(1)";\n')

    assert "</script" not in bundled("a.js")


def test_the_viewer_of_exported_views_can_be_bundled():
    script = bundled("exported_view.js")

    assert "class LineChart" in script
    assert "fetch(" not in script

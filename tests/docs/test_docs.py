"""The README and the other pages: links resolve, commands parse, named files and tests exist, pages are shipped."""

import configparser
import re
import shlex
from pathlib import Path

import pytest

import a3c_numba
from a3c_numba.cli.parser import parser_for

ROOT = Path(__file__).parents[2]
PACKAGE = Path(a3c_numba.__file__).parent
PAGES = [ROOT / "README.md", *sorted((PACKAGE / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
WORDS = 1700
PERSONS = re.compile(r"\b(nobody|somebody|whoever|befell|heeded)\b", re.IGNORECASE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^ {4}.*$", re.MULTILINE)


def text_of(page):
    """A page without its blocks of code."""
    return INDENTED.sub("", FENCED.sub("", page.read_text(encoding="utf-8")))


def prose_of(page):
    """``text_of`` without code in a line."""
    return re.sub(r"`[^`]*`", "", text_of(page))


def anchors_of(page):
    """The anchor that GitHub makes of each heading."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_of(page):
    """Every a3c-numba command line in the page's shell blocks, as words."""
    for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("&&", "\n").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0].endswith("a3c-numba"):
                yield words[1:]


def test_every_page_is_found():
    assert len(PAGES) >= 12 and {"README.md", "examples/README.md", "a3c_numba/docs/limits.md"} <= set(NAMES)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if not re.match(r"https?://", link):
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            assert target.exists(), link
            assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("words", [words for page in PAGES for words in commands_of(page)], ids=" ".join)
def test_every_command_parses(words):
    assert callable(parser_for(words).parse_args(words).run)


def test_the_readme_is_short_and_keeps_its_two_blocks():
    readme = PAGES[0].read_text(encoding="utf-8")
    assert len(readme.split()) <= WORDS
    for marker in ("train", "test"):
        assert f"<!-- {marker} -->\n```sh\npython3 -m venv .venv && " in readme


def test_every_page_of_the_package_is_shipped():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = settings["options.package_data"]["a3c_numba"].replace(",", " ").split()
    shipped = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    assert set(PACKAGE.rglob("*.md")) <= shipped


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_named_test_exists(page):
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    for name, test in re.findall(r"\b(test_\w+\.py)(?:::(\w+))?", page.read_text(encoding="utf-8")):
        assert name in files and f"def {test}" in files[name], f"{name}::{test}"


@pytest.mark.skipif(not (PACKAGE / "core").exists(), reason="the pages name the files of the layout with core/")
@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_named_file_exists(page):
    files = [f"/{path.relative_to(ROOT)}" for folder in ("a3c_numba", "examples", "tests")
             for path in (ROOT / folder).rglob("*.py")]
    for name in re.findall(r"`([\w/]+\.py)`", text_of(page)):
        assert any(file.endswith(f"/{name}") for file in files), name


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_processes_and_files_are_not_persons(page):
    assert not PERSONS.findall(prose_of(page))

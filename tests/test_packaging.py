"""What is built from the repository: a wheel with all that README names, a source archive that can be tested."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from a3c_numba import __version__
from tests.programs import program

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from setuptools import build_meta as b; print(b.build_sdist('dist')); print(b.build_wheel('dist'))"
BUILT = ["a3c_numba", "examples", "tests", ".ci", "README.md", "LICENSE", "MANIFEST.in", "CHANGELOG.md", "CITATION.cff",
         "CONTRIBUTING.md", "setup.py", "setup.cfg", "pyproject.toml"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source archive and the wheel, built offline from a copy."""
    pytest.importorskip("setuptools", minversion="70.1")
    folder = tmp_path_factory.mktemp("build")
    for name in BUILT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, folder / name)
    ended = subprocess.run([sys.executable, "-c", BUILD], cwd=folder, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return next((folder / "dist").glob("*.tar.gz")), next((folder / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def site(built, tmp_path_factory):
    """The wheel's content, as installed."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(built[1]) as wheel:
        wheel.extractall(folder)
    return folder


def installed(site, folder, *arguments):
    ended = subprocess.run([sys.executable, "-m", "a3c_numba", *arguments], cwd=folder, capture_output=True, text=True,
                           env=os.environ | {"PYTHONPATH": str(site)}, timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_metadata_name_the_paper_and_the_versions(site):
    about = Parser().parsestr(next(site.glob("*.dist-info/METADATA")).read_text(encoding="utf-8"))
    assert about["Version"] == __version__ and about["Requires-Python"] == ">=3.10"
    assert "Paper, https://arxiv.org/abs/1602.01783" in about.get_all("Project-URL")
    versions = {name.rsplit(" ", 1)[1] for name in about.get_all("Classifier") if "Python :: 3." in name}
    assert versions == {"3.10", "3.11", "3.12", "3.13", "3.14"}


def test_the_description_has_no_picture_and_no_link_to_a_file(site):
    text = Parser().parsestr(next(site.glob("*.dist-info/METADATA")).read_text(encoding="utf-8")).get_payload()
    assert text.lstrip().startswith("# a3c_numba") and "## Command line" in text
    assert "![" not in text and not re.findall(r"\]\((?!https?://)", text)


def test_a_wheel_has_the_examples_that_readme_names(site, tmp_path):
    said = installed(site, tmp_path, "examples")
    assert re.match(r"\d+ files in examples: begin with examples/README\.md\n", said)
    assert (tmp_path / "examples/01_dense.py").read_text() == (ROOT / "examples/01_dense.py").read_text()
    for name in re.findall(r"a3c-numba \w+ (examples/\S+)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (tmp_path / name).is_file(), name
    assert "game 0: " in installed(site, tmp_path, "play", "pong", "--max-steps", "3")


def test_a_wheel_is_small_and_has_every_page(built, site):
    assert built[1].stat().st_size < 16 * 2**20                          # an agent of a game takes 2.5 MB
    pages = {path.name for path in (ROOT / "a3c_numba/docs").glob("*.md")}
    assert {path.name for path in (site / "a3c_numba/docs").glob("*.md")} == pages
    assert not (site / "tests").exists() and not (site / "examples").exists()


def test_a_source_archive_can_be_tested(built, tmp_path):
    with tarfile.open(built[0]) as archive:
        archive.extractall(tmp_path)
    folder = next(tmp_path.iterdir())
    assert {"CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", ".ci", "tests", "examples"} <= set(os.listdir(folder))
    tests = ["tests/docs/test_docs.py", "tests/core/test_returns.py"]
    ended = subprocess.run([sys.executable, "-m", "pytest", "-n0", *tests],
                           cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, text=True,
                           timeout=300)
    assert ended.returncode == 0, ended.stdout[-2000:]


def test_examples_keep_what_is_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/01_dense.py").write_text("mine")
    assert program("examples", "mine") == program("examples", "mine") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert "1 kept" in first and second.startswith("0 files in mine, ")
    assert (tmp_path / "mine/01_dense.py").read_text() == "mine"
    (tmp_path / "file").write_text("")
    assert program("examples", "file") == 2 and "is a file: give a folder" in capsys.readouterr().err


def test_the_versions_that_are_promised_are_in_the_table():
    """Of docs/limits.md: what setup.cfg promises is in a row of it."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    page = (ROOT / "a3c_numba/docs/limits.md").read_text(encoding="utf-8")
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line] for line in lines]
    lowest = dict(line.split(">=") for line in settings["options"]["install_requires"].split())
    assert [name.lower() for name in head] == ["python", *lowest, "tests"]
    assert any(row[1:-1] == [*lowest.values()] for row in rows)
    named = re.findall(r"Python :: (3\.\d+)$", settings["metadata"]["classifiers"], re.MULTILINE)
    assert sorted(named) == sorted({row[0] for row in rows})


def test_every_file_says_the_same_version():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert settings["metadata"]["version"] == "attr: a3c_numba.__version__"

"""The report of a run: one page that is whole, refers to nothing outside itself, and says what the files say."""

import argparse
import base64
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

import tests.programs  # noqa: F401  it registers Shown-v0
from a3c_numba.cli import report
from a3c_numba.plots.colours import BAD, LANE, PALETTE, SHADES, css
from a3c_numba.presets import configure
from a3c_numba.report import charts as report_charts
from a3c_numba.report import clip as report_clip
from a3c_numba.report import recorded_run as report_run
from a3c_numba.report import tables as report_tables
from a3c_numba.report.charts import histogram
from a3c_numba.runs.checkpoint import save
from a3c_numba.runs.run_folder import TABLES, RunFolderError
from a3c_numba.training.trainer import initial_checkpoint

PONG = Path(__file__).parents[2] / "examples" / "pong"
SECTIONS = ["curve", "clip", "evaluation", "throughput", "signals", "workers", "configuration", "events"]
VOID = {"meta", "link", "img", "source", "br"}
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page(HTMLParser):
    """What a page consists of; raises AssertionError where an element is closed that is not open."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def made(folder, *options):
    """``a3c-numba report folder options``, and the page that it wrote."""
    parser = argparse.ArgumentParser()
    report.add_arguments(parser)
    arguments = parser.parse_args([str(folder), *map(str, options)])
    assert report.run(arguments) == 0
    return Path(arguments.out or Path(folder) / "report.html").read_text(encoding="utf-8")


def checked(text):
    """The page, after what is true of every page."""
    page = Page(text)
    assert not page.open, "elements that are not closed"
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert [attributes["id"] for attributes in page.all("section")] == SECTIONS
    assert {attributes["href"] for attributes in page.all("a")} == {f"#{name}" for name in SECTIONS}
    for tag, attributes in page.elements:
        assert tag not in ("script", "iframe", "object"), tag
        for name in ("src", "srcset", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:"))
        assert not any(name.startswith("on") for name in attributes)
    assert "http:" not in text and "https:" not in text and "@import" not in text and "url(" not in text
    assert page.all("html") == [{"lang": "en"}] and page.all("title")
    pictures = [svg for svg in page.all("svg") if svg.get("aria-hidden") != "true"]
    assert pictures and all(svg["role"] == "img" and svg["aria-label"] for svg in pictures)
    assert all(image["alt"] for image in page.all("img")) and all(cell["scope"] for cell in page.all("th"))
    assert "nan" not in re.findall(r"[a-z]+", " ".join(str(attributes.get("d")) for attributes in page.all("path")))
    assert len(text) < 3e6
    return page


def folder_of(path, config="Catch", progress=(), episodes=(), events=None):
    """A run's folder with these rows."""
    path.mkdir(exist_ok=True)
    text = config if config.startswith("{") else configure(config, workers=2, total_steps=1000).to_json()
    (path / "config.json").write_text(text)
    for name, rows in (("progress.csv", progress), ("episodes.csv", episodes), ("events.csv", events)):
        if rows is not None:
            lines = [TABLES[name][:len(rows[0])] if rows else TABLES[name], *rows]
            (path / name).write_text("".join(",".join(map(str, line)) + "\n" for line in lines))
    return path


def rectangles(page, colour):
    """Left, top, right and bottom of all boxes of a colour."""
    return [tuple(map(float, found)) for one in page.all("path") if one.get("fill") == css(colour)
            for found in re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)H", one["d"])]


EPISODES = [(1.0, 10, 0, -1, 9), (2.0, 20, 1, 1, 9), (3.0, 30, 0, 1, 11)]
PROGRESS = [(2.0, 20, 10.0, 2, 0.0, 1.0, 0.5, 30.0, 1e-3, 4, 0, 2, 0),
            (4.0, 40, 10.0, 3, 0.3, 0.9, 0.6, 3.0, 5e-4, 8, 2, 2, 1)]


def test_a_real_run_has_all_sections_and_the_files_numbers(catch_run, tmp_path):
    page = checked(made(catch_run, "-o", tmp_path / "page.html"))
    games = len((catch_run / "episodes.csv").read_text().splitlines()) - 1
    assert page.all("h1") and "Catch finished" in page.text
    assert f"games {games:,} finished in training" in page.text and "of 2,000" in page.text
    assert "No clip: Catch cannot be rendered." in page.text
    assert "No events: no worker died" in page.text and "Not evaluated yet" in page.text


def test_evaluations_during_training_are_points_of_the_curves(tmp_path):
    folder = folder_of(tmp_path / "run", progress=PROGRESS, episodes=EPISODES, events=[])
    before = checked(made(folder))
    (folder / "evaluations.csv").write_text("seconds,global_step,episodes,different,mean,standard_error,min,max\n"
                                            "2,20,4,4,0.5,0.25,0,1\n3,30,1,1,1,nan,1,1\n")
    page = checked(made(folder))
    assert "Points: evaluations" in page.text and "Points: evaluations" not in before.text
    assert len(page.all("path")) > len(before.all("path"))


def test_the_headline_says_what_the_rows_say(tmp_path):
    page = checked(made(folder_of(tmp_path / "run", progress=PROGRESS, episodes=EPISODES, events=[])))
    assert "agent steps 40 of 1,000 time 4.0 s wall clock speed 10 steps per second games 3" in page.text
    assert "mean score 0.333 of the last 3 games best mean 0.333 of 3 games; best game: 1" in page.text
    assert "workers replaced 1" in page.text and "updates skipped 2" in page.text
    assert "not finished: 4% of its steps" in page.text


@pytest.mark.parametrize("progress, episodes", [((), ()), (PROGRESS[:1], ()), ((), EPISODES[:1]), (None, None)])
def test_a_run_that_has_hardly_begun(tmp_path, progress, episodes):
    page = checked(made(folder_of(tmp_path / "run", progress=progress, episodes=episodes)))
    assert "not finished" in page.text
    assert ("no finished episode yet" in page.text) == (not episodes)
    assert ("nothing to draw yet" in page.text) == (not progress or not episodes)


def test_rows_that_were_cut_off_or_are_none_are_left_out(tmp_path):
    folder = folder_of(tmp_path / "run", progress=PROGRESS, episodes=EPISODES)
    with (folder / "episodes.csv").open("a") as file:
        file.write("x,y,z,1,1\n4.0,40,1,nan,9\n4.0,40,1,1e305,9\n5.0,50,1\n6.0,60,1,100,9")
    with (folder / "progress.csv").open("ab") as file:
        file.write(b"\xff\xfe\0\n5.0,50")
    run = report_run.read(folder)
    assert run.episodes["score"].tolist() == [-1, 1, 1] and run.steps == 40
    checked(made(folder))


def test_a_folder_of_an_older_version(tmp_path):
    """It lacks two columns, the events, and settings that came later."""
    page = checked(made(PONG / "seed0", "-o", tmp_path / "page.html"))
    assert "has no events.csv" in page.text and "1 (unrecorded)" in page.text
    assert "No clip: the folder holds no checkpoint" in page.text
    assert "games 1,106 finished in training" in page.text and "mean score 17.9" in page.text
    assert len(rectangles(page, LANE)) == 2 * 4


def test_names_and_events_cannot_become_markup(tmp_path):
    evil = "<script>alert('1')</script>&\"\x00\u202e\ud800"
    config = json.loads(configure("Catch").to_json()) | {"env": evil}
    config["algorithm"] |= {"name": evil, evil: evil}
    config["optimizer"]["learning_rate"] = evil
    events = [(1.5, 15, "worker 1 <b>&</b>"), (2.5, 15, "<i>")]
    folder = folder_of(tmp_path / "run", json.dumps(config), PROGRESS, EPISODES, events)
    (folder / "evaluation.json").write_text(json.dumps({
        "agent": evil, "protocol": evil, "seed": evil, "epsilon": evil, "mean": 1.0, "standard_error": None,
        "median": 1.0, "min": 1.0, "max": 1.0, "games": [{"score": 1.0}]}))
    text = made(folder, "--no-clip")
    page = checked(text)
    assert not page.all("b") and not page.all("i") and "\x00" not in text and "\u202e" not in text
    assert page.text.count("<script>alert('1')</script>&\"\\x00\\u202e\\ud800") >= 7


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"env": "Catch"}', "[" * 100_000, "\x00",
                                     '{"env": "Catch", "algorithm": 5, "optimizer": {}, "network": {}}'])
def test_a_folder_that_is_no_run_is_refused_in_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunFolderError, match="is not a run") as caught:
        made(tmp_path)
    assert "\n" not in str(caught.value) and not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("options, message", [
    (("-o", "page.txt"), "should end in .html"), (("-o", "nowhere/page.html"), "cannot write"),
    (("--steps", 0), "steps must be from 1"), (("--steps", 10**6), "steps must be from 1"),
    (("--agent", "none.npz"), "no such file")])
def test_unusable_input_is_refused_before_anything_is_written(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    folder = folder_of(tmp_path / "run")
    with pytest.raises(ValueError, match=message):
        made(folder, *options)
    assert not list(tmp_path.glob("*.*")) and not (folder / "report.html").exists()


@pytest.fixture
def shown(tmp_path):
    """A run of an environment that draws itself, 7 steps a game, with its agent."""
    folder = folder_of(tmp_path / "run", "tests.programs:Shown-v0", PROGRESS, EPISODES)
    save(folder / "latest.npz", initial_checkpoint(configure("tests.programs:Shown-v0")))
    return folder


def test_the_clip_is_in_the_page_and_has_the_steps_asked_for(shown):
    page = checked(made(shown, "--steps", 16))
    (image,), (still,) = page.all("img"), page.all("source")
    gif = base64.b64decode(image["src"].removeprefix("data:image/gif;base64,"))
    path = shown / "clip.gif"
    path.write_bytes(gif)
    whole, frames = cv2.imreadmulti(str(path))
    assert gif[:6] == b"GIF89a" and whole and len(frames) == 16
    png = base64.b64decode(still["srcset"].removeprefix("data:image/png;base64,"))
    assert cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR).shape[0] == 420
    assert "16 steps, 1 seconds of 3 games, played by latest.npz" in page.text
    assert not checked(made(shown, "--no-clip")).all("img")


def test_a_large_clip_shows_fewer_frames_but_never_too_few(shown, monkeypatch):
    monkeypatch.setattr(report_clip, "LARGEST", 0)
    clip = report_clip.clip_of(*report_clip.agent_of(report_run.read(shown), None), 24)
    (shown / "clip.gif").write_bytes(clip.gif)
    assert clip.steps == 24 and len(cv2.imreadmulti(str(shown / "clip.gif"))[1]) == 12


def test_an_agent_of_another_game_or_a_broken_one(shown, tmp_path):
    save(tmp_path / "catch.npz", initial_checkpoint(configure("Catch")))
    with pytest.raises(ValueError, match="plays Catch, but .* is a run of tests.programs:Shown-v0"):
        made(shown, "--agent", tmp_path / "catch.npz")
    (shown / "latest.npz").write_bytes(b"cut off")
    assert "No clip: " in checked(made(shown)).text


FIGURES = {"agent": "some/where/final.npz", "env": "ALE/Pong-v5", "protocol": "sticky", "deterministic": False,
           "seed": 3, "mean": 2.5, "standard_error": 0.5, "median": 2.0, "min": 1.0, "max": 5.0,
           "games": [{"score": x} for x in (1.0, 2.0, 2.0, 5.0)]}


def test_an_evaluation_and_each_of_its_games(tmp_path):
    folder = folder_of(tmp_path / "run", "Catch", PROGRESS, EPISODES)
    (folder / "evaluation.json").write_text(json.dumps(FIGURES))
    page = checked(made(folder))
    assert "agent final.npz games 4 protocol sticky: no no-ops at the start, sticky actions, p 0.25" in page.text
    assert "mean 2.5 standard error 0.5 median 2 min 1 max 5" in page.text
    assert "The games in turn: 1, 2, 2, 5." in page.text and "some/where" not in page.text
    heights = np.array([bottom - top for _, top, _, bottom in rectangles(page, PALETTE[0])])
    np.testing.assert_allclose(heights / heights[0], [1, 2, 0, 0, 1], atol=0.01)


@pytest.mark.parametrize("scores", [[3.0], [0.5, 0.5], [0.1, 7.7, 1e9], [-1e300, 1e300], list(range(1000))])
def test_every_game_is_in_a_histogram_of_few_bars(scores):
    page = Page(histogram({"games": [{"score": x} for x in scores]}, (490, 290)))
    assert 1 <= len(rectangles(page, PALETTE[0])) <= 25 and f"{len(scores)} games" in page.all("svg")[0]["aria-label"]


def test_an_evaluation_is_shown_only_if_it_is_of_that_agent(tmp_path):
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps(FIGURES))
    assert report_run.evaluation_of(file, "final.npz")["mean"] == 2.5
    assert report_run.evaluation_of(file, "best.npz") is None
    for broken in ("", "[]", "{}", json.dumps(FIGURES | {"games": []}), json.dumps(FIGURES | {"mean": "x"}),
                   json.dumps(FIGURES | {"games": [{"score": 10**400}]}), json.dumps(FIGURES | {"max": None})):
        file.write_text(broken)
        assert report_run.evaluation_of(file) is None


def test_a_configuration_value_that_differs_names_the_papers(tmp_path):
    run = report_run.read(folder_of(tmp_path / "run", configure("Catch", "classic", workers=2).to_json()))
    page = Page(report_tables.configuration(run))
    assert "workers 2 processes 16 (the paper's)" in page.text
    assert "t_max 20 t_max, the longest rollout in steps 5 (the paper's)" in page.text
    assert "gae_lambda 0.98 lambda of the returns; 1 is the paper's n-step return 1 (default)" in page.text
    assert "discount 0.99 gamma (the paper's) gae_lambda" in page.text   # the same: nothing is said
    assert "epsilon 1e-06 epsilon inside RMSProp's root, not that of exploration 0.1 (the authors')" in page.text
    assert "cells" not in page.text and "frame_skip" not in page.text    # without an LSTM; no game of Atari's


@pytest.mark.parametrize("events", [
    [(2.0, 20, "it was killed", 1, "replaced"), (3.0, 30, "worker 0 is only named", "", "not written")],
    [(2.0, 20, '"worker 1 was killed; replaced, 1 of 5"'), (3.0, 30, "no checkpoint")]], ids=["columns", "version 0.1"])
def test_the_timeline_has_a_lane_a_worker_and_colours_by_score(tmp_path, events):
    run = report_run.read(folder_of(tmp_path / "run", "Catch", PROGRESS, EPISODES, events))
    page = Page(report_charts.timeline(run, 1000))
    lanes = [top for _, top, _, _ in rectangles(page, LANE)]
    assert len(lanes) == 2
    ticks = {(shade, bottom < max(lanes)): (left + right) / 2
             for shade in SHADES for left, _, right, bottom in rectangles(page, shade)}
    low, high = SHADES[0], SHADES[-1]
    assert set(ticks) == {(low, True), (high, False), (high, True)}      # -1 and 1 of worker 0, 1 of worker 1
    assert ticks[low, True] < ticks[high, False] < ticks[high, True]
    death, other = [one for one in page.all("path") if one.get("stroke") == css(BAD)]
    x, y = map(float, re.match(r"M([\d.]+) ([\d.]+)", death["d"]).groups())
    assert y > max(lanes) and x + 5 == pytest.approx(ticks[high, False], abs=1)
    assert "stroke-dasharray" in other and "stroke-dasharray" not in death
    assert all(text.strip('"') in page.text for _, _, text, *_ in events)  # shown while the mouse is over it
    key = report_charts.timeline_key(run)
    assert "died and was replaced" in key and "another event" in key


def test_many_workers_and_games_stay_small(tmp_path):
    rng = np.random.default_rng(0)
    rows = [(f"{t:.3f}", step, rng.integers(200), rng.integers(9), 5)
            for step, t in enumerate(np.sort(rng.uniform(0, 9e4, 20_000)))]
    run = report_run.read(folder_of(tmp_path / "run", "Catch", (), rows))
    text = report_charts.timeline(run, 1000)
    assert report_charts.lanes_of(run) == 64 and len(text) < 400_000


def test_words_and_numbers():
    short = report_tables.short
    assert [short(x) for x in (19.4321, 2e6, -0.00149, float("nan"))] == ["19.4", "2,000,000", "-0.00149", "--"]
    assert [report_tables.time(x) for x in (4, 41.3, 405, 7500)] == ["4.0 s", "41 s", "6.8 min", "2 h 05 min"]


# What the browser is asked to say of the page, after everything in it has been loaded.
PROBE = """<script>addEventListener("load", () => {
const root = document.documentElement, box = element => element.getBoundingClientRect();
const seen = [...document.querySelectorAll("svg[role=img]")].filter(svg => box(svg).width);
document.title = JSON.stringify({height: root.scrollHeight, wide: root.scrollWidth - root.clientWidth,
pictures: seen.length, least: Math.min(...seen.map(svg => box(svg).height)), loaded: [...document.images].map(
image => image.naturalWidth), ground: getComputedStyle(document.body).backgroundColor});});</script>"""


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width, scheme, ground", [(1200, 1, "rgb(255, 255, 255)"), (500, 0, "rgb(20, 22, 26)")])
def test_a_browser_shows_it_without_an_error(shown, width, scheme, ground):
    page = shown / "probed.html"
    page.write_text(made(shown, "--steps", 10) + PROBE, encoding="utf-8")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []                 # as in a container
    command = [BROWSER, "--headless", "--disable-gpu", *root, f"--user-data-dir={shown / 'profile'}",
               f"--window-size={width},900", f"--blink-settings=preferredColorScheme={scheme}", "--hide-scrollbars",
               "--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom", page.as_uri()]
    shows = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in shows.stderr
    title = re.search(r"<title>(.*?)</title>", shows.stdout)
    assert title, shows.stderr
    found = json.loads(title[1])
    assert found["height"] > 3000 and found["wide"] <= 0 and found["ground"] == ground
    assert found["pictures"] == 9 and found["least"] > 80 and found["loaded"] == [480]

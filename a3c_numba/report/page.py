"""The report: one self-contained HTML file about a run's folder.

Curves are embedded as SVG, the clip of play as a GIF; there is no script and no external reference.  The page opens
from a disk or an attachment, follows the screen's light or dark mode, and can be printed.
"""

import base64
from pathlib import Path

import numpy as np

from .. import __version__
from ..core.algorithms import METHODS
from ..playback import FRAMES_PER_SECOND
from ..plots.colours import NAMES, PALETTE, hexadecimal
from ..plots.curves import WINDOW, by_steps
from ..plots.svg import clean
from .charts import (
    HALF, LANES, by_time, histogram, in_two_sizes, lanes_of, learning_curve, lengths, series, throughput, timeline,
    timeline_key)
from .clip import NoClip, agent_of, clip_of
from .recorded_run import Run, evaluation_of
from .tables import configuration, events, protocol, short, time

LIGHT = "--ground:#fff;--card:#f5f6f8" + "".join(f";--{name}:{hexadecimal(colour)}" for colour, name in NAMES.items())
DARK = """--ground:#14161a;--card:#1e2127;--ink:#e8eaed;--dim:#a3aab6;--rule:#333842;--curve:#62b4f5;--second:#f0a45b;
--bad:#ff6f7d;--lane:#1e2127;--q0:#b85a1c;--q1:#dd8b4a;--q2:#c9a58a;--q3:#7d828e;--q4:#6f9fd8;
--q5:#6fb6ff;--q6:#c4e4ff"""
STYLE = (":root{color-scheme:light dark;" + LIGHT + "}\n@media screen and (prefers-color-scheme:dark){:root{" + DARK
         + "}}\n" + """*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.5rem 1.25rem 3rem;max-width:66rem;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:1.9rem;line-height:1.2;margin:0;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2.5rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:1rem 0 .2rem}
p{margin:.4rem 0;max-width:48rem}
.sub,.note,figcaption{color:var(--dim)}
.sub{overflow-wrap:anywhere}
a{color:var(--curve)}
nav{margin:.8rem 0}
nav a{margin-right:.8rem;white-space:nowrap}
.state{display:inline-block;font-size:.8rem;padding:.05rem .6rem;border-radius:1rem;border:1px solid var(--dim);
vertical-align:middle;margin-left:.5rem;font-weight:normal;white-space:nowrap}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.25rem,1fr));gap:.6rem;margin:1rem 0}
.cards div{background:var(--card);border-radius:.5rem;padding:.6rem .8rem}
.cards dt{color:var(--dim);font-size:.85rem}
.cards dd{margin:0;font-size:1.35rem;font-weight:600}
.cards small{display:block;font-size:.8rem;font-weight:normal;color:var(--dim)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,23rem),1fr));gap:.5rem 1.25rem}
figure{margin:0 0 .5rem;break-inside:avoid}
figure>img,picture>img{max-width:100%;height:auto;border-radius:.5rem}
svg{display:block;width:100%;height:auto;overflow:visible}
svg.key{display:inline-block;width:auto;height:12px;vertical-align:-1px}
.narrow{display:none}
@media (max-width:44rem){.wide{display:none}.narrow{display:block}}
@media print{.pair{grid-template-columns:1fr 1fr}
.wide{display:block}.narrow{display:none}nav{display:none}h2,h3,caption,thead{break-after:avoid}body{max-width:none}
table,figure,.cards div,svg *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
.bad{color:var(--bad);font-weight:700}
.settings table{table-layout:fixed}
.settings th:nth-child(1){width:19%}.settings th:nth-child(2){width:14%}.settings th:nth-child(4){width:22%}
.scroll{overflow-x:auto;margin:.8rem 0 1.2rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid var(--rule);vertical-align:top}
thead th{color:var(--dim);font-weight:normal}
tbody th{font-weight:normal;overflow-wrap:anywhere;min-width:8.5rem}
td{overflow-wrap:anywhere;min-width:4.5rem}
tr{break-inside:avoid}
@media screen and (max-width:44rem){.settings thead{display:none}.settings tr{display:grid;
grid-template-columns:3fr 2fr;border-bottom:1px solid var(--rule);padding:.3rem 0}
.settings tbody th,.settings td{border:0;padding:0;width:auto!important;min-width:0}
.settings td:nth-child(3),.settings td:nth-child(4){grid-column:1/-1;color:var(--dim)}
.settings td:nth-child(4):not(:empty)::before{content:"differs from "}}
code{font:.92em ui-monospace,"DejaVu Sans Mono",monospace}
""")
STEPS = 150                    # of the clip: ten seconds
TRAINING = ("In training a score is the sum of a whole game's rewards before clipping.  The workers explore, so their "
            "scores are usually lower than those of the trained agent.")


def report(run: Run, agent: Path | None = None, steps: int = STEPS) -> str:
    """Return the page of a run, with a clip of ``steps`` steps (0: none) of ``agent`` or the run's own agent."""
    return page(run, [
        ("curve", "Learning curve", _curves(run)),
        ("clip", "A clip of play", _clip(run, agent, steps)),
        ("evaluation", "Protocol and evaluation", _evaluation(run, agent)),
        ("throughput", "Throughput", in_two_sizes(lambda size: throughput(run, size), (1000, 300))),
        ("signals", "Entropy, value, gradient, learning rate", _signals(run)),
        ("workers", "Timeline of the workers", _timeline(run)),
        ("configuration", "Configuration", configuration(run)),
        ("events", "Events", events(run))])


def page(run: Run, sections: list[tuple[str, str, str]]) -> str:
    """Return the whole page around its sections: (anchor, title, HTML) of each."""
    config, name = run.config, run.config["algorithm"]["name"]
    method = METHODS[name].__name__ if name in METHODS else name
    method += " with an LSTM" if config["network"].get("recurrent") else ""
    share = run.steps / max(1, int(config["total_steps"]))
    state = "finished" if run.steps >= int(config["total_steps"]) else f"not finished: {share:.0%} of its steps"
    (first, since), (last, until) = (moment.strftime("%Y-%m-%d %H:%M").split() for moment in run.written)
    end = "" if (first, since) == (last, until) else f" to {until}" if first == last else f" to {last} {until}"
    facts = [method, config["optimizer"]["name"], f"{config['workers']} workers", f"seed {config['seed']}",
             f"files written {first} {since}{end} UTC"]
    cards = "".join(f"<div><dt>{name}</dt><dd>{number}<small>{note}</small></dd></div>"
                    for name, number, note in _cards(run))
    heading = clean(f"{run.name}, {method}, seed {config['seed']}")
    links = " ".join(f'<a href="#{anchor}">{title}</a>' for anchor, title, _ in sections)
    body = "".join(f'<section id="{anchor}" aria-labelledby="{anchor}-title"><h2 id="{anchor}-title">{title}</h2>'
                   f"{html}</section>\n" for anchor, title, html in sections)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{heading}</title>'
            '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">\n'
            f"<style>{STYLE}</style></head>\n<body><header>"
            f'<h1>{clean(run.name)} <span class="state">{state}</span></h1>'
            f'<p class="sub">{clean(" · ".join(facts))}</p>'
            f'<dl class="cards">{cards}</dl></header>'
            f'<nav aria-label="Sections">{links}</nav>\n<main>{body}</main>\n'
            f'<footer class="sub"><p>Made by a3c-numba {__version__} from the files of the run.</p></footer>'
            "</body></html>\n")


def _cards(run: Run) -> list[tuple[str, str, str]]:
    """Return the name, number and note of each card."""
    scores = run.episodes["score"]
    window = max(1, min(WINDOW, len(scores)))
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    means = (sums[window:] - sums[:-window]) / window if len(scores) else np.array([np.nan])
    best = f"; best game: {short(scores.max())}" if len(scores) else ""
    speed = run.steps / run.seconds if run.seconds else 0.0
    cards = [("agent steps", f"{run.steps:,}", f"of {int(run.config['total_steps']):,}"),
             ("time", time(run.seconds), "wall clock"), ("speed", f"{speed:,.0f}", "steps per second"),
             ("games", f"{len(scores):,}", "finished in training"),
             ("mean score", short(means[-1]), f"of the last {window} games"),
             ("best mean", short(means.max()), f"of {window} games{best}")]
    troubles = [("workers replaced", "restarts", "since the run's last start"),
                ("updates skipped", "skipped", "since the run's last start")]
    return cards + [(name, f"{run.last(column):,.0f}", note) for name, column, note in troubles if run.last(column)]


def figure(title: str, html: str, note: str = "") -> str:
    """Return a picture with an optional title and an optional note."""
    head, end = f"<h3>{title}</h3>" if title else "", f"<figcaption>{note}</figcaption>" if note else ""
    return f"<figure>{head}{html}{end}</figure>"


def _curves(run: Run) -> str:
    steps = by_steps(np.append(run.episodes["global_step"], run.evaluations[:, 1]))
    time = by_time(np.append(run.episodes["seconds"], run.evaluations[:, 0]))
    points = " Points: evaluations of whole games, with a standard error to both sides." if len(run.evaluations) else ""
    return (figure("Score by agent steps", in_two_sizes(lambda size: learning_curve(run, steps, size)),
                   "Line: mean of the last 100 finished games. Band: their 10th to 90th percentile." + points)
            + '<div class="pair">' + figure("Score by time", learning_curve(run, time, HALF))
            + figure("Length of games", lengths(run)) + "</div>")


def _signals(run: Run) -> str:
    pictures = [("Entropy of the policy", "entropy", "nats", PALETTE[0], False),
                ("Value", "value", "mean value of the states seen", PALETTE[0], False),
                ("Norm of the gradient", "gradient_norm", "global norm before clipping, log scale", PALETTE[1], True),
                ("Learning rate", "learning_rate", "eta", PALETTE[1], False)]
    return ('<div class="pair">' + "".join(figure(title, series(run, column, (title, unit), colour, is_log))
                                           for title, column, unit, colour, is_log in pictures)
            + '</div><p class="note">Each point is a row of progress.csv, the mean over the workers\' latest rollouts.'
            "</p>")


def _timeline(run: Run) -> str:
    hidden = max(0, run.config["workers"] - LANES) if lanes_of(run) == LANES else 0
    return figure("", in_two_sizes(lambda size: timeline(run, size[0])), timeline_key(run)) + (
        f'<p class="note">{hidden} more workers are not shown.</p>' if hidden else "")


def _evaluation(run: Run, agent: Path | None) -> str:
    result = evaluation_of(run.path / "evaluation.json")
    if result is None and agent is not None:
        result = evaluation_of(agent.with_name("evaluation.json"), agent.name)
    if result is None:
        return f"<p>{TRAINING}</p><p>Not evaluated yet: <code>a3c-numba evaluate RUN</code> writes evaluation.json.</p>"
    picture = figure("Every game's score", histogram(result, HALF))
    games = ", ".join(short(float(game["score"])) for game in result["games"][:1000])
    return (f'<p>{TRAINING}</p><div class="pair"><div>{protocol(result)}</div>{picture}</div>'
            f'<p class="note">The games in turn: {games}.</p>')


def _clip(run: Run, agent: Path | None, steps: int) -> str:
    if not steps:
        return "<p>No clip (<code>--no-clip</code>).</p>"
    try:
        clip = clip_of(*agent_of(run, agent), steps)
    except NoClip as reason:
        return f"<p>No clip: {clean(reason)}.</p>"
    gif, still = (base64.b64encode(content).decode() for content in (clip.gif, clip.still))
    games = f"{len(clip.scores)} games" if len(clip.scores) > 1 else "the beginning of a game"
    note = (f"{clip.steps} steps, {clip.steps / FRAMES_PER_SECOND:.0f} seconds of {games}, played by {clip.agent}, an "
            f"agent trained for {clip.global_step:,} steps; the score at the end is {short(clip.scores[-1])}.")
    words = "The game's screen; beside it the score, the value of the state, and the policy as a bar for each action"
    return (f'<figure><picture><source media="(prefers-reduced-motion: reduce)" srcset="data:image/png;base64,{still}">'
            f'<img alt="{clean(words)}" src="data:image/gif;base64,{gif}"></picture>'
            f"<figcaption>{clean(note)}</figcaption></figure>")

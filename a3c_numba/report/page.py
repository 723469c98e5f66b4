"""The report's page around its sections: head, style sheet, headline.  It has no external references."""

from typing import NamedTuple

import numpy as np

from .. import __version__
from ..core.algorithms import ALGORITHMS
from ..plots.colours import NAMES, hexadecimal
from ..plots.curves import WINDOW
from ..plots.svg import clean
from .recorded_run import Run
from .tables import short, time

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


class Section(NamedTuple):
    """A part of the page."""

    name: str                  # the anchor
    title: str
    html: str


def page(run: Run, sections: list[Section]) -> str:
    """Return the whole page."""
    title = clean(f"{run.name}, {method(run)}, seed {run.config['seed']}")
    links = " ".join(f'<a href="#{section.name}">{section.title}</a>' for section in sections)
    body = "".join(f'<section id="{one.name}" aria-labelledby="{one.name}-title"><h2 id="{one.name}-title">{one.title}'
                   f"</h2>{one.html}</section>\n" for one in sections)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">\n'
            f"<style>{STYLE}</style></head>\n<body><header>{_headline(run)}</header>"
            f'<nav aria-label="Sections">{links}</nav>\n<main>{body}</main>\n'
            f'<footer class="sub"><p>Made by a3c-numba {__version__} from the files of the run.</p></footer>'
            "</body></html>\n")


def method(run: Run) -> str:
    """Return the method's name, A3C, NStepQ ..., and "with an LSTM" if the network is recurrent."""
    name = run.config["algorithm"]["name"]
    title = ALGORITHMS[name].__name__ if name in ALGORITHMS else name
    return title + (" with an LSTM" if run.config["network"].get("recurrent") else "")


def _headline(run: Run) -> str:
    share = run.steps / max(1, int(run.config["total_steps"]))
    state = "finished" if run.is_finished else f"not finished: {share:.0%} of its steps"
    facts = [method(run), run.config["optimizer"]["name"], f"{run.config['workers']} workers",
             f"seed {run.config['seed']}", f"files written {_written(run)}"]
    cards = "".join(f"<div><dt>{name}</dt><dd>{number}<small>{note}</small></dd></div>"
                    for name, number, note in _cards(run))
    return (f'<h1>{clean(run.name)} <span class="state">{state}</span></h1>'
            f'<p class="sub">{clean(" · ".join(facts))}</p>'
            f'<dl class="cards">{cards}</dl>')


def _written(run: Run) -> str:
    """Return when the first and the last file were written: one or two days, and the times."""
    (first, since), (last, until) = (moment.strftime("%Y-%m-%d %H:%M").split() for moment in run.written)
    end = f"{last} {until}" if first != last else until
    return f"{first} {since} UTC" if (first, since) == (last, until) else f"{first} {since} to {end} UTC"


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

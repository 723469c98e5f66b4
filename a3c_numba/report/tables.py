"""The report's tables: hyper-parameters with their help and the paper's value, the evaluation's figures, events."""

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Iterable, Sequence

from ..config import MENUS
from ..envs.make import family
from ..evaluation import PROTOCOLS
from ..plots.svg import clean
from ..presets import PRESETS
from ..runs.checkpoint_schema import Fields
from .recorded_run import Run

# The source of a default, which a field's help gives in brackets.
PAPERS, AUTHORS = re.compile(r"the paper's[;,):]"), re.compile(r"the authors' value[;,)]")
WHOSE = re.compile(r" \([^()]*(the paper's|the authors' value)[^()]*\)")
ABOUT_RUN = {"env": "the environment's id, or its factory's name", "workers": "processes",
             "total_steps": "agent steps of all workers together, T_max",
             "anneal_steps": "agent steps over which eta and the entropy weight fall; None: all",
             "seed": "of parameters and random numbers"}
MOST_EVENTS = 500


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an HTML table; cells are HTML, and the first cell of each row is its header."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(f'<tr><th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
                   for first, *rest in rows)
    return (f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>{top}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")


def configuration(run: Run) -> str:
    """Return a table for the run, and one for each of its parts."""
    papers = PRESETS["paper"].workers
    rows = [(f"<code>{name}</code>", clean(shown(run.config.get(name))), about,
             f"{papers} (the paper's)" if name == "workers" and run.config[name] != papers else "")
            for name, about in ABOUT_RUN.items()]
    if run.config.get("env_kwargs"):                                     # older files lack it
        rows.insert(1, ("<code>env_kwargs</code>", clean(json.dumps(run.config["env_kwargs"])),
                        "keyword arguments of the environment", ""))
    head = ("setting", "value", "what it is", "differs from")
    applies = family(run.name, run.config.get("env_kwargs"))
    tables = [table("The run", head, rows)]
    for part in MENUS:
        if part in ("algorithm", "optimizer", "network", applies):
            name = clean(run.config.get(part, {}).get("name", part))
            tables.append(table(f"{part.capitalize()}: <code>{name}</code>", head, _settings(run, part)))
    return f'<div class="settings">{"".join(tables)}</div>'


def _settings(run: Run, part: str) -> list[tuple[str, ...]]:
    """Return a row for each setting that has an effect in this run; a setting that the file lacks has its default."""
    values = run.config.get(part, {})
    cls = MENUS[part].get(values.get("name", part))
    fields = {field.name: field for field in dataclasses.fields(cls)} if cls else {}
    rows: list[tuple[str, ...]] = []
    for name in [*fields, *(name for name in values if name not in fields and name != "name")]:
        field = fields.get(name)
        if field and field.metadata["only_with"] and not values.get(field.metadata["only_with"]):
            continue
        default = field.default if field else None
        value = clean(shown(values[name])) if name in values else f"<em>{clean(shown(default))} (unrecorded)</em>"
        about, other = field.metadata["help"] if field else "", ""
        if field and values.get(name, default) != default:               # the default moves to a column of its own
            whose = "the paper's" if PAPERS.search(about) else "the authors'" if AUTHORS.search(about) else "default"
            about, other = WHOSE.sub("", about), f"{shown(default)} ({whose})"
        rows.append((f"<code>{clean(name)}</code>", value, clean(about), clean(other)))
    return rows


def shown(value: object) -> str:
    """Return a setting's value in human-readable form."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def protocol(found: Fields) -> str:
    """Return the table of an evaluation's protocol and figures."""
    error, epsilon = found["standard_error"], found.get("epsilon")
    name = str(found.get("protocol", "--"))
    if name in PROTOCOLS and family(str(found.get("env"))) == "atari":
        means = PROTOCOLS[name]
        noops = f"up to {means['noop_max']} no-ops at the start" if means["noop_max"] else "no no-ops at the start"
        sticky = f"sticky actions, p {means['sticky']:g}" if means["sticky"] else "no sticky actions"
        name += f": {noops}, {sticky}"
    rows = [("agent", clean(Path(str(found.get("agent", "--"))).name)),
            ("games", f"{len(found['games']):,}"), ("protocol", clean(name)),
            ("actions", "the most probable one" if found.get("deterministic") else "drawn"),
            *([("epsilon", clean(epsilon))] if epsilon is not None else []),
            ("seed", clean(found.get("seed", "--"))), ("mean", f"<strong>{short(found['mean'])}</strong>"),
            ("standard error", "--" if error is None else short(error)),
            *((figure, short(found[figure])) for figure in ("median", "min", "max"))]
    return table("Evaluation of whole games, rewards not clipped", ("what", "value"), rows)


def events(run: Run) -> str:
    """Return the table of the run's events."""
    if not (run.path / "events.csv").exists():
        return "<p>This run's folder has no events.csv: it was written by an older version.</p>"
    if not run.events:
        return "<p>No events: no worker died and all checkpoints were written.</p>"
    rows = [(time(event.seconds), f"{event.global_step:,}", clean(event.line)) for event in run.events[:MOST_EVENTS]]
    more = len(run.events) - len(rows)
    return table("Events of the run", ("after", "agent steps", "event"), rows) + (
        f"<p>{more:,} more in events.csv.</p>" if more else "")


def short(number: float) -> str:
    """Return a human-readable number: 19.4, 0.00149, 2,000,000."""
    if not math.isfinite(number):
        return "--"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def time(seconds: float) -> str:
    """Return a duration: 41 s, 6.8 min, 2 h 05 min."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{seconds / 60:.1f} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"

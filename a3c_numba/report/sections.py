"""The sections of the report, one self-contained HTML file about a run's folder.

Curves are embedded as SVG, the clip of play as a GIF; there is no script.  The page opens from a disk or an
attachment, follows the screen's light or dark mode, and can be printed.
"""

import base64
from pathlib import Path

from ..playback import FRAMES_PER_SECOND
from ..plots.colours import PALETTE
from ..plots.curves import by_steps
from ..plots.svg import clean
from .charts import HALF, by_time, histogram, in_two_sizes, learning_curve, lengths, series, throughput
from .clip import Clip, NoClip, agent_of, clip_of
from .page import Section, page
from .recorded_run import Run, evaluation_of
from .tables import configuration, events, protocol, short
from .timeline import LANES, key, lanes_of, size_of, timeline

STEPS = 150                    # of the clip: ten seconds
TRAINING = ("In training a score is the sum of a whole game's rewards before clipping.  The workers explore, so their "
            "scores are usually lower than those of the trained agent.")


def report(found: Run, agent: Path | None = None, steps: int = STEPS) -> str:
    """Return the page of a run, with a clip of ``steps`` steps (0: none) of ``agent`` or the run's own agent."""
    return page(found, [
        Section("curve", "Learning curve", _curves(found)),
        Section("clip", "A clip of play", _clip(found, agent, steps)),
        Section("evaluation", "Protocol and evaluation", _evaluation(found, agent)),
        Section("throughput", "Throughput", in_two_sizes(lambda size: throughput(found, size), (1000, 300))),
        Section("signals", "Entropy, value, gradient, learning rate", _signals(found)),
        Section("workers", "Timeline of the workers", _timeline(found)),
        Section("configuration", "Configuration", configuration(found)),
        Section("events", "Events", events(found))])


def figure(title: str, html: str, note: str = "") -> str:
    """Return a picture with its title and an optional note."""
    return f"<figure><h3>{title}</h3>{html}" + (f"<figcaption>{note}</figcaption>" if note else "") + "</figure>"


def _curves(found: Run) -> str:
    steps, time = by_steps(found.episodes["global_step"]), by_time(found.episodes["seconds"])
    return (figure("Score by agent steps", in_two_sizes(lambda size: learning_curve(found, steps, size)),
                   "Line: mean of the last 100 finished games. Band: their 10th to 90th percentile.")
            + '<div class="pair">' + figure("Score by time", learning_curve(found, time, HALF))
            + figure("Length of games", lengths(found)) + "</div>")


def _signals(found: Run) -> str:
    pictures = [("Entropy of the policy", "entropy", "nats", PALETTE[0], False),
                ("Value", "value", "mean value of the states seen", PALETTE[0], False),
                ("Norm of the gradient", "gradient_norm", "global norm before clipping, log scale", PALETTE[1], True),
                ("Learning rate", "learning_rate", "eta", PALETTE[1], False)]
    return ('<div class="pair">' + "".join(figure(title, series(found, column, (title, unit), colour, is_log))
                                           for title, column, unit, colour, is_log in pictures)
            + '</div><p class="note">Each point is a row of progress.csv, the mean over the workers\' latest rollouts.'
            "</p>")


def _timeline(found: Run) -> str:
    sizes = size_of(found, 1000), size_of(found, 440)
    hidden = max(0, found.config["workers"] - LANES) if lanes_of(found) == LANES else 0
    return figure("", in_two_sizes(lambda size: timeline(found, size), *sizes), key(found)).replace("<h3></h3>", "") + (
        f'<p class="note">{hidden} more workers are not shown.</p>' if hidden else "")


def _evaluation(found: Run, agent: Path | None) -> str:
    result = evaluation_of(found.path / "evaluation.json")
    if result is None and agent is not None:
        result = evaluation_of(agent.with_name("evaluation.json"), agent.name)
    if result is None:
        return f"<p>{TRAINING}</p><p>Not evaluated yet: <code>a3c-numba evaluate RUN</code> writes evaluation.json.</p>"
    picture = figure("Every game's score", histogram(result, HALF))
    games = ", ".join(short(float(game["score"])) for game in result["games"][:1000])
    return (f'<p>{TRAINING}</p><div class="pair"><div>{protocol(result)}</div>{picture}</div>'
            f'<p class="note">The games in turn: {games}.</p>')


def _clip(found: Run, agent: Path | None, steps: int) -> str:
    if not steps:
        return "<p>No clip (<code>--no-clip</code>).</p>"
    try:
        return _moving(clip_of(*agent_of(found, agent), steps))
    except NoClip as reason:
        return f"<p>No clip: {clean(reason)}.</p>"


def _moving(clip: Clip) -> str:
    gif, still = (base64.b64encode(content).decode() for content in (clip.gif, clip.still))
    games = f"{len(clip.scores)} games" if len(clip.scores) > 1 else "the beginning of a game"
    note = (f"{clip.steps} steps, {clip.steps / FRAMES_PER_SECOND:.0f} seconds of {games}, played by {clip.agent}, an "
            f"agent trained for {clip.global_step:,} steps; the score at the end is {short(clip.scores[-1])}.")
    words = "The game's screen; beside it the score, the value of the state, and the policy as a bar for each action"
    return (f'<figure><picture><source media="(prefers-reduced-motion: reduce)" srcset="data:image/png;base64,{still}">'
            f'<img alt="{clean(words)}" src="data:image/gif;base64,{gif}"></picture>'
            f"<figcaption>{clean(note)}</figcaption></figure>")

"""The table that ``trace`` prints for one update: forwards, backwards and the update, each line with its formula."""

from typing import Iterator

import numpy as np

from ...core.parameters import Parameters, size_of
from ...core.worker import Worker
from .formulas import LAYERS, OPTIMIZERS, TARGETS, loss, place_of
from .recorded_update import Flow, Update

ROWS, COLUMNS, NUMBERS = 24, 9, 8        # rows and columns of a table of steps, and numbers of a head, that are printed


def report(worker: Worker, update: Update) -> list[str]:
    """Return all lines of the table, at most 120 characters each."""
    parts = (_forwards, _heads, _steps, _backwards, _update, _one_number)
    return [line for part in parts for line in ("", *part(worker, update))]


def _number(x: float) -> str:
    return f"{x:12.5g}"


def _sizes(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "1"


def _zeros(x: np.ndarray) -> str:
    return f"{np.mean(x == 0):8.1%}"


def _norm(x: np.ndarray) -> float:
    return float(np.sqrt(np.square(x, dtype=np.float64).sum()))


def _forwards(worker: Worker, update: Update) -> Iterator[str]:
    obs = update.rollout.obs[:update.rollout.length]
    yield f"FORWARDS, with theta', the {len(obs)} rows of the rollout together"
    yield f"{'layer':20}{'formula':37}{'in -> out':>20}{'parameters':>11}{'mean':>12}{'std':>12}{'zeros':>8}"
    yield f"{'observation':57}{_sizes(obs.shape[1:]):>20}{'':11}{_spread(obs)}"
    for name, layer, x, y in update.passes:
        formulas, sizes = LAYERS[type(layer)], f"{_sizes(x.shape[1:])} -> {_sizes(y.shape[1:])}"
        if formulas.inside:
            yield f"{name:20}{formulas.inside:37}{_sizes(x.shape[1:]):>20}{'':11}{_spread(np.maximum(x, 0))}"
        yield (f"{'' if formulas.inside else name:20}{formulas.forward:37}{sizes:>20}{size_of(layer.shapes):11,}"
               f"{_spread(y)}")


def _spread(x: np.ndarray) -> str:
    return _number(x.mean(dtype=np.float64)) + _number(x.std(dtype=np.float64)) + _zeros(x)


def _heads(worker: Worker, update: Update) -> Iterator[str]:
    algorithm, T = worker.config.algorithm, update.rollout.length
    last = T + (not algorithm.uses_target_network)                       # s_T, if the worker's network bootstraps
    yield "HEADS: output y for each state s_t, and d_y = dL/dy of the loss below, with which BACKWARDS begins"
    for name, y, d_y in zip(algorithm.heads(worker.distribution), update.outputs, update.d_outputs):
        yield f"{name}, the first {NUMBERS} of {y.shape[1]}" if y.shape[1] > NUMBERS else name
        y, d_y = y[:last, :NUMBERS], d_y[:, :NUMBERS]
        if 2 * y.shape[1] <= COLUMNS:                                    # side by side
            nothing = np.full((len(y) - T, d_y.shape[1]), np.nan)        # the last state has no d_y
            yield from _table(_indexed("y", y) + _indexed("d_y", d_y), np.hstack([y, np.vstack([d_y, nothing])]))
        else:
            yield from _table(_indexed("y", y), y)
            yield from _table(_indexed("d_y", d_y), d_y)
    if algorithm.uses_target_network:
        first = algorithm.first_target_row(T)
        asked = update.target_outputs[0][first:T + 1, :NUMBERS]
        yield "the target network theta-, for the states that the targets need"
        yield from _table(_indexed("y", asked), asked, first)


def _indexed(name: str, rows: np.ndarray) -> list[str]:
    return [f"{name}[{k}]" for k in range(rows.shape[1])]


def _table(names: list[str], rows: np.ndarray, first: int = 0) -> Iterator[str]:
    """Yield rows (n, columns) under their names, numbered from ``first``; omit the middle of a long table."""
    yield f"{'t':>4}" + "".join(f"{name:>12}" for name in names)
    for t, row in enumerate(rows):
        if len(rows) <= ROWS or min(t, len(rows) - 1 - t) < ROWS // 2:
            yield f"{first + t:4}" + "".join(map(_number, row)).replace("nan", "   ").rstrip()
        elif t == ROWS // 2:
            yield f"{'...':>4}"


def _steps(worker: Worker, update: Update) -> Iterator[str]:
    algorithm, rollout = worker.config.algorithm, update.rollout
    outputs = tuple(y[:rollout.length] for y in update.outputs)
    parts = loss(algorithm, worker.distribution, rollout, update.returns, outputs, update.progress)
    actions = rollout.actions.reshape(rollout.length, -1)
    name = "a_t" if actions.shape[1] == 1 else "a_t[0]"
    columns = {name: actions[:, 0], "r_t": rollout.rewards, "gamma_t": rollout.discounts,
               **parts.columns, **parts.terms}
    yield "STEP BY STEP: " + TARGETS[type(algorithm)] % vars(algorithm)
    yield from _table(list(columns), np.array(list(columns.values())).T)
    sums = [float(term.sum()) for term in parts.terms.values()]
    yield f"{'sum':>4}" + " " * 12 * (len(columns) - len(sums)) + "".join(map(_number, sums))
    yield f"L = {parts.formula} = {sum(sums):.6g}"
    if algorithm.reward_scale != 1:
        yield f"r_t is the environment's reward times reward_scale, {algorithm.reward_scale:g}"


def _backwards(worker: Worker, update: Update) -> Iterator[str]:
    gradients = Parameters(worker.network.shapes, update.d_theta).named()
    yield "BACKWARDS, in the order of computation; d_y is the d_x of the layer above"
    yield f"{'layer':20}{'formula':40}{'shape':>20}{'norm':>12}{'largest':>12}{'zeros':>8}"
    for flow in update.flows:
        formulas = LAYERS[type(getattr(flow.layer, "layer", flow.layer))]
        found = [(formulas.weight, gradients.get(f"{flow.name}.weight")),
                 (formulas.bias, gradients.get(f"{flow.name}.bias")), (formulas.input, flow.d_x)]
        lines = [(formula, d) for formula, d in found if formula and d is not None]
        for k, (formula, d) in enumerate(lines):
            yield (f"{'' if k else flow.name:20}{formula:40}{_sizes(d.shape):>20}{_number(_norm(d))}"
                   f"{_number(np.abs(d).max())}{_zeros(d)}")
    yield "     the lowest layer's d_x is not computed: the observation is not learned"


def _update(worker: Worker, update: Update) -> Iterator[str]:
    optimizer = worker.config.optimizer
    yield "UPDATE: " + ";  ".join(OPTIMIZERS[type(optimizer)])
    values = ", ".join(f"{key} {value:g}" for key, value in vars(optimizer).items() if key != "learning_rate")
    yield f"     {values}, eta now {update.eta:.6g}, at step 0 {optimizer.learning_rate:g}"
    factor, limit = clip_factor(worker, update), optimizer.max_gradient_norm
    clipped = f"above {limit:g}: clipped, d = {factor:.5g} d_theta" if factor < 1 else f"at most {limit:g}: not clipped"
    if not np.isfinite(update.norm):
        clipped = "not finite: the update is skipped"
    yield f"     ||d_theta|| = root of the sum of all ||d_W||^2 and ||d_b||^2 = {update.norm:.6g}, {clipped}"
    before, after, d_theta = (Parameters(worker.network.shapes, flat).named()
                              for flat in (*update.theta, update.d_theta))
    yield f"{'tensor':28}{'shape':>14}{'||W||':>14}{'||d||':>14}{'||update||':>14}{'update / weight':>18}"
    for name, old in before.items():
        moved, size = _norm(after[name] - old), _norm(old)
        ratio = f"{moved / size:18.3e}" if size else f"{'(W was 0)':>18}"
        yield (f"{name:28}{_sizes(old.shape):>14}  {_number(size)}  {_number(factor * _norm(d_theta[name]))}  "
               f"{_number(moved)}{ratio}")


def clip_factor(worker: Worker, update: Update) -> float:
    """Return min(1, limit / ||d_theta||); 1 if the norm is not finite and the update is skipped."""
    limit = worker.config.optimizer.max_gradient_norm
    return limit / update.norm if np.isfinite(update.norm) and update.norm > limit else 1.0


def _one_number(worker: Worker, update: Update) -> Iterator[str]:
    flow = [flow for flow in update.flows if flow.layer.shapes and flow.d_y is not None][-1]
    name = f"{flow.name}.weight"
    gradient = Parameters(worker.network.shapes, update.d_theta).named()[name]
    place = np.unravel_index(int(np.abs(gradient).argmax()), gradient.shape)
    where = f"{name}[{', '.join(map(str, place))}]"
    yield f"ONE NUMBER: {where}, the largest gradient of the lowest weight; it leads"
    yield f"     {place_of(flow.layer, place)}"
    shares = contributions(worker, update, flow, place)
    yield f"     {LAYERS[type(flow.layer)].weight}, one step t of the rollout after the other:"
    lines = [f"{t:4}:" + "".join(map(_number, shares[t:t + NUMBERS])) for t in range(0, len(shares), NUMBERS)]
    yield from lines if len(lines) <= NUMBERS else [*lines[:NUMBERS // 2], " ...", *lines[-NUMBERS // 2:]]
    yield f"     their sum                           d_W = {gradient[place]:.7g}"
    yield f"     times min(1, limit / ||d_theta||)   d   = {clip_factor(worker, update) * gradient[place]:.7g}"
    formulas = OPTIMIZERS[type(worker.config.optimizer)]
    for formula, flats in zip(formulas, (update.statistics, update.theta)):
        old, new = (Parameters(worker.network.shapes, flat).named()[name][place] for flat in flats)
        yield f"     {formula:44} from {old:.7g} to {new:.7g}"


def contributions(worker: Worker, update: Update, flow: Flow, place: tuple[int | np.integer, ...]) -> np.ndarray:
    """Return what each row of the rollout (T,) adds to one element of a weight's gradient, by the layer's backward."""
    assert flow.d_y is not None
    p = Parameters(worker.network.shapes, update.theta[0]).tree
    for key in flow.name.split("."):
        p = p[key]
    shares, cache = np.zeros(len(flow.x)), flow.layer.cache(1, np.float32)
    for t in range(len(flow.x)):
        d_p = {key: np.zeros_like(value) for key, value in p.items()}
        flow.layer.backward(p, d_p, flow.x[t:t + 1], cache, flow.d_y[t:t + 1], False)
        shares[t] = d_p["weight"][place]
    return shares

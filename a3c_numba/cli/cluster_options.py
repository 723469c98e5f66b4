"""The options of ``train`` for a cluster: ``--ray [ADDRESS] --nodes N --workers-per-node W --exchange-every H``."""

import dataclasses
import shlex
from argparse import ArgumentParser, Namespace

from ..cluster.settings import Ray
from .hyperparameter_options import whole_number

OPTIONS = {"nodes": "N", "exchange_every": "H", "shards": "K"}


def add_cluster_options(parser: ArgumentParser) -> None:
    """Add the options, in a group of their own."""
    helps = {field.name: field.metadata["help"] for field in dataclasses.fields(Ray)}
    group = parser.add_argument_group("a cluster (docs/cluster.md)")
    group.add_argument("--ray", nargs="?", const=True, metavar="ADDRESS",
                       help=f"train on a cluster of Ray: {helps['address']}; without ADDRESS put it last")
    group.add_argument("--workers-per-node", type=whole_number, metavar="W",
                       help="processes of each node, in place of --workers")
    for name, letter in OPTIONS.items():
        default = getattr(Ray(), name)
        shown = "" if default is None else f" (default {default})"
        group.add_argument("--" + name.replace("_", "-"), type=whole_number, metavar=letter,
                           help=f"with --ray: {helps[name]}{shown}")


def check_cluster_options(arguments: Namespace) -> None:
    """Make --workers-per-node the run's workers.  Raises ValueError for an option without --ray."""
    names = [name for name in (*OPTIONS, "workers_per_node") if getattr(arguments, name) is not None]
    if arguments.ray is None and names:
        raise ValueError(f"--{names[0].replace('_', '-')} is for a cluster: give --ray, too")
    if arguments.workers_per_node is not None:
        if arguments.workers is not None:
            raise ValueError("--workers-per-node and --workers are the same: give one of them")
        if arguments.resume:
            raise ValueError("--resume continues the run as it was started: --workers-per-node cannot change")
        arguments.workers = arguments.workers_per_node


def nodes_named(arguments: Namespace) -> str:
    """Return what the first line of a run says of its nodes."""
    nodes = arguments.nodes or Ray().nodes
    return "" if arguments.ray is None else f" on each of {nodes} nodes" if nodes > 1 else " on one node"


def cluster_as_typed(arguments: Namespace) -> str:
    """Return the options of the cluster, "" without one; the address is last."""
    typed = [(name, getattr(arguments, name)) for name in OPTIONS if getattr(arguments, name) is not None]
    if arguments.ray is None:
        return ""
    options = "".join(f" --{name.replace('_', '-')} {value}" for name, value in typed)
    return f"{options} --ray" + ("" if arguments.ray is True else f" {shlex.quote(arguments.ray)}")


def cluster_of(arguments: Namespace) -> Ray | None:
    """Return the cluster that was typed; None without --ray."""
    if arguments.ray is None:
        return None
    given = {name: getattr(arguments, name) for name in OPTIONS}
    address = "" if arguments.ray is True else arguments.ray
    return Ray(address, **{name: value for name, value in given.items() if value is not None})

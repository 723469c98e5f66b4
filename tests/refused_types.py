"""Calls that mypy must refuse: .ci/lint reports a "type: ignore" below that it does not need."""

from a3c_numba import A3C, Agent


def _refused(agent: Agent) -> None:
    Agent("Catch", algorithm=3)  # type: ignore[arg-type]
    Agent("Catch", A3C)  # type: ignore[arg-type]
    Agent("Catch", network="mlp")  # type: ignore[arg-type]
    Agent("Catch", hidden=[64])  # type: ignore[arg-type]
    Agent(3)  # type: ignore[arg-type]
    A3C(t_max="many")  # type: ignore[arg-type]
    agent.learn(100, callback=5)  # type: ignore[arg-type]
    agent.learn(100, limits=5)  # type: ignore[arg-type]
    agent.evaluate(episodes="all")  # type: ignore[arg-type]
    agent.predict(None)  # type: ignore[arg-type]
    Agent.resume("run", total_steps="more")  # type: ignore[arg-type]

"""The eight lessons, in the order of their numbers; a Bug's strings are exact lines of the package."""

from ...config import Config
from ...core.algorithms import A3C
from ...core.networks import MLP, Convolutional
from ...core.optimizers import MomentumSGD, RMSProp
from .bug import Bug
from .lesson import ENTROPY, MICROSECONDS, ORDINARY_SCORE, PLAYED_BEFORE, SCORE, VALUE, Lesson
from .toys import Count, Jackpots, Lamp, LateCatch, LongCorridor
from .trial import run_in_worker_processes

LIVELY = RMSProp(learning_rate=2e-3, epsilon=1e-5)


def _a3c(**fields: float) -> A3C:
    return A3C(t_max=20, gae_lambda=0.95, clip_rewards=False, **fields)        # type: ignore[arg-type]


def _config(env: object, steps: int, algorithm: A3C, network: object = MLP(), **parts: object) -> Config:
    fields = {"optimizer": LIVELY, "workers": 1} | parts
    return Config(env, algorithm, network=network, total_steps=steps, **fields)     # type: ignore[arg-type]


PAST_THE_END = Lesson(
    "bootstrapping past termination",
    "scores hardly better than chance, and values that no game can pay",
    Bug("core.rollout", "RolloutCollector._step",
        "self.discounts[t] = 0.0 if terminated else self.algorithm.discount",
        "self.discounts[t] = self.algorithm.discount"),
    _config("Catch", 16_000, _a3c()), (SCORE, VALUE),
    """The return of the last step of an episode is its reward and nothing else.  Here the value of the state after
    the end is added to it.  The agent never acts in that state, so no return ever corrects the value that the network
    gives to it: this value follows those of similar states, they follow it, and all diverge together.  A game of
    Catch pays between -1 and 1, so a value outside this range is impossible.  Still no error is raised, because every
    number is finite.  On toys whose last state looks like a first one (Corridor) even the score is perfect, with
    values of 25 instead of 1.  To detect it, compare values with the largest discounted return of an episode.""",
    ("tests/core/test_rollout.py::test_a_termination_has_discount_0_and_a_truncation_keeps_it",))

ENTROPY_SIGN = Lesson(
    "entropy with the wrong sign",
    "a flat line at the bottom, in every run",
    Bug("core.algorithms.a3c", "A3C.loss_gradient",
        "d_policy = distribution.loss_gradient(outputs[0], actions, advantages, beta)",
        "d_policy = distribution.loss_gradient(outputs[0], actions, advantages, -beta)"),
    _config(LongCorridor, 12_000, _a3c(entropy_weight=0.1)), (SCORE, ENTROPY),
    """Entropy is a bonus in an objective that is maximised, so it is subtracted in a loss that is minimised.  With the
    other sign the agent is rewarded for certainty.  Its policy becomes deterministic before it has seen a reward, it
    never tries another action, and so it has nothing to learn from: entropy falls to 0 at once, while that of a
    healthy run stays near log 3 = 1.1 until the first rewards.  If rewards are found soon, or if beta is small, the
    broken run may even look faster, like any greedy policy with luck.  Plot entropy beside every score.  A gradient
    check finds this bug only if the loss itself has the right sign: it compares the gradient with the loss in the
    code, not with the intended one.  Hence the second test, which compares with an independent implementation.""",
    ("tests/core/algorithms/test_a3c.py::test_loss_gradient_is_the_derivative_of_the_loss",
     "tests/core/algorithms/test_a3c.py::test_loss_gradient_equals_its_twin"))

STALE_FRAME = Lesson(
    "a stale frame in the stack",
    "it learns, and stops at little more than half of the best score",
    Bug("envs.frame_preprocessing", "Observation.add",
        "self._shrink()\npush(self._plane, self._pixels)",
        "push(self._plane, self._pixels)\nself._shrink()"),
    _config(Lamp, 3_000, _a3c(discount=0.5),
            Convolutional(pixels="center", dense=32, body_init="he_normal", head_init="near_zero")), (SCORE, ENTROPY),
    """Two lines are in the wrong order: the plane that is pushed onto the stack is that of the previous step.
    Pictures of the stack look right, shapes and types are right, and the agent learns, because an environment seen
    one step late can still be learned, only less well.  Here the lamp changes with probability 1/2.  An agent that
    sees it late is right at the first step, and then half the time: 1 + 7/2 = 4.5 of 8, which is the height of the
    broken curve.  In a game the loss of score may be too small to notice.  Work out by hand what the best agent
    would score on a toy, and investigate any difference.""",
    ("tests/envs/test_frame_preprocessing.py::test_the_newest_plane_is_the_last_and_the_oldest_leaves",))

ONE_SEED = Lesson(
    "all workers with one seed",
    "several workers, and little or nothing wrong with the score: count what they played",
    Bug("training.supervisor", "Supervisor._start",
        "seed = np.random.SeedSequence(self.start_point.config.seed, spawn_key=(self.streams,))",
        "seed = np.random.SeedSequence(self.start_point.config.seed, spawn_key=(1,))"),
    _config(LateCatch, 30_000, _a3c(), workers=3), (SCORE, PLAYED_BEFORE),
    """Every worker seeds its random numbers with the run's seed, or inherits the state of the process that forked
    it.  All workers then play the same games with the same draws, in the same order.  The score hardly shows it: of
    nine broken runs on this toy eight learned as well as the healthy ones.  What is lost is the purpose of several
    workers, different experience: of three workers' games only those of the fastest are new.  In this toy the length
    of a game, 5 to 9 steps, is drawn with its seed: of two workers' games of the same number, one in five should have
    the same length; here all have.  To detect it, compare the workers' first observations, or their streams.""",
    ("tests/teaching/bugs/test_streams.py::test_every_worker_is_given_a_stream_of_its_own",), run_in_worker_processes)

FLOAT64 = Lesson(
    "float64 creeping in",
    "the scores are those of a sound run; look at the clock",
    Bug("core.parameters", "Parameters.__init__",
        "self.flat = aligned_zeros(size, dtype) if flat is None else flat",
        "self.flat = np.zeros(size) if flat is None else flat"),
    _config("Catch", 6_000, _a3c(), MLP(hidden=256)), (SCORE, MICROSECONDS),
    """numpy.zeros without a dtype makes float64.  theta' and d_theta are then of double width, every product with
    them is computed in float64, and every result is rounded to float32 at the end.  This is correct, and if anything
    more exact, so no score and no gradient check can show it; if curves differ, the cause is rounding, and neither is
    better.  It shows in the time of a step and in memory: twice the bytes for theta' and d_theta, half as many
    numbers in a vector register or a cache.  Give a dtype with every allocation, and keep a benchmark.  In this
    package image networks are not affected: the convolution's kernel refuses arrays of two types.""",
    ("tests/teaching/bugs/test_float32.py::test_all_that_a_worker_computes_with_is_float32",))

STATE_KEPT = Lesson(
    "recurrent state not reset",
    "an agent with a memory that learns nothing better than to give the same answer always",
    Bug("core.rollout", "RolloutCollector._begin",
        "self.recurrent.write(0, 0)\nself.state_row, self.next_action_drawn = 0, False",
        "self.next_action_drawn = False"),
    _config(Count, 10_000, _a3c(discount=0.3, entropy_weight=0.02),
            MLP(hidden=16, layers=1, recurrent=True, cells=32), optimizer=RMSProp(learning_rate=5e-3, epsilon=1e-5)),
    (SCORE, ENTROPY),
    """An LSTM's state belongs to an episode, and has to be zero at the start of the next one.  Here it is carried
    over.  The agent has to count steps from the start of a game.  Games differ in length, so a count that continues
    past the end of one game is wrong in the next, and the broken runs only learned to give the most frequent answer
    always: 2.4 of 6.  If observations show that a game has started, a network can learn to forget by itself: on the
    toy Memory two of three such runs were merely slower.  The gradient is right throughout.  To detect it, look at
    the state at an episode's first step.""",
    ("tests/core/test_rollout.py::test_a_recurrent_state_spans_rollouts_but_not_episodes",))

NOT_CLIPPED = Lesson(
    "a gradient that is not clipped",
    "some runs are perfect, some are ruined in one step and never recover",
    Bug("core.optimizers.base", "Optimizer.update",
        "norm = clip(d_theta, self.max_gradient_norm)",
        "norm = clip(d_theta.copy(), self.max_gradient_norm)"),
    _config(Jackpots, 16_000, _a3c(discount=0.5),
            optimizer=MomentumSGD(learning_rate=0.1, momentum=0.9, max_gradient_norm=1.0)), (ORDINARY_SCORE, ENTROPY),
    """Clipping works in place, and here it gets a copy: the logged norm is right, the option is read, and the gradient
    stays unclipped.  One reward in two hundred is a hundred times as large.  Its step moves theta so far that every
    policy is deterministic, the gradient vanishes, and the run never recovers; whether and when this happens depends
    on the seed.  RMSProp would hide it: it divides by the root mean square of recent gradients, this one included,
    and on this toy unclipped RMSProp learned no worse in any of six seeds.  Never judge by one run, and look at how
    far theta moves in an update, not at the reported norm.""",
    ("tests/core/optimizers/test_momentum_sgd.py::test_the_global_norm_is_clipped_and_reported_unclipped",))

ADVANTAGE = Lesson(
    "an advantage that is not held constant",
    "it hardly learns, and its values are above the best return from the start",
    Bug("core.algorithms.a3c", "A3C.loss_gradient",
        "d_values = -2 * self.value_weight * advantages[:, None]",
        "from ..distributions.categorical import softmax\n"
        "d_values = -2 * self.value_weight * advantages[:, None]\n"
        "pi = softmax(outputs[0])[np.arange(len(actions)), actions]\n"
        "d_values += np.log(pi)[:, None]"),
    _config("Catch", 16_000, _a3c(value_weight=0.25)), (SCORE, VALUE),
    """R - V is the weight of log pi in the policy's term, and this term must not change V.  If a framework
    differentiates the loss as written, without a stop-gradient, V gets a second gradient, log pi of the action taken.
    The sum of both vanishes at V = R + H / 2c, not at V = R: every value is too large by the policy's entropy over 2c,
    here by up to 2.2.  Returns are bootstrapped from these values, so the agent is rewarded for reaching states in
    which its policy is undecided.  No error is raised: the gradient is the true derivative, of the wrong loss.  To
    detect it, compare the mean of V with the mean of the returns.""",
    ("tests/core/algorithms/test_a3c.py::test_loss_gradient_is_the_derivative_of_the_loss",
     "tests/core/algorithms/test_a3c.py::test_loss_gradient_equals_its_twin"))

LESSONS = (PAST_THE_END, ENTROPY_SIGN, STALE_FRAME, ONE_SEED, FLOAT64, STATE_KEPT, NOT_CLIPPED, ADVANTAGE)

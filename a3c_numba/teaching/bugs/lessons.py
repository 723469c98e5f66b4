"""The eight lessons, in the order of their numbers."""

from ...config import Config
from ...core.algorithms import A3C
from ...core.networks import MLP, Convolutional
from ...core.optimizers import MomentumSGD, RMSProp
from .bug import Bug
from .lesson import ENTROPY, MICROSECONDS, ORDINARY_SCORE, PLAYED_BEFORE, SCORE, VALUE, Lesson
from .toys import Count, Jackpots, Lamp, LateCatch, LongCorridor
from .trial import in_processes

LIVELY = RMSProp(learning_rate=2e-3, epsilon=1e-5)


def _a3c(**fields: float) -> A3C:
    return A3C(t_max=20, gae_lambda=0.95, clip_rewards=False, **fields)        # type: ignore[arg-type]


def _config(env: object, steps: int, algorithm: A3C, network: object = MLP(), **parts: object) -> Config:
    fields = {"optimizer": LIVELY, "workers": 1} | parts
    return Config(env, algorithm, network=network, total_steps=steps, **fields)     # type: ignore[arg-type]


PAST_THE_END = Lesson(
    "bootstrapping past termination",
    "scores hardly better than chance, and values that no game could pay",
    Bug("core.rollout", "Player._step",
        "self.discounts[t] = 0.0 if terminated else self.algorithm.discount",
        "self.discounts[t] = self.algorithm.discount"),
    _config("Catch", 16_000, _a3c()), (SCORE, VALUE),
    """The return of the last step of an episode is its reward and nothing else.  Here the value of the state behind
    the end is added to it.  Nobody ever acts from that state, so no return ever corrects what the network says of
    it: its value follows its neighbours', theirs follow it, and both run away together.  A game of Catch pays
    between -1 and 1; a value outside these is impossible, yet nothing complains, for every number is finite, and on
    toys whose last state looks like a first one (Corridor) even the score is perfect, with values of 25 where 1 is
    right.  Notice it by holding values against what an episode can pay at most, gamma included.""",
    ("tests/core/test_rollout.py::test_a_termination_has_discount_0_and_a_truncation_keeps_it",))

ENTROPY_SIGN = Lesson(
    "entropy with the wrong sign",
    "a flat line at the bottom, in every run",
    Bug("core.algorithms.a3c", "A3C.loss_gradient",
        "d_policy = policy.loss_gradient(outputs[0], actions, advantages, beta)",
        "d_policy = policy.loss_gradient(outputs[0], actions, advantages, -beta)"),
    _config(LongCorridor, 12_000, _a3c(entropy_weight=0.1)), (SCORE, ENTROPY),
    """Entropy is a bonus in what is maximised, so it is subtracted in a loss that is minimised.  With the other
    sign the agent is paid for being sure.  It makes up its mind before it has seen a reward, never tries anything
    else, and so has nothing to learn from: entropy falls to 0 at once, while the healthy one stays near log 3 = 1.1
    until the first rewards come.  Where rewards are found soon, or beta is small, the broken one may even look
    quicker, as any greedy policy does that was lucky.  Plot entropy beside every score.  A gradient check finds
    this only while the loss has the right sign: it compares with the loss that was written, not with the one that
    was meant.  Hence the second test, numbers from another hand.""",
    ("tests/core/algorithms/test_a3c.py::test_loss_gradient_is_the_derivative_of_the_loss",
     "tests/core/algorithms/test_a3c.py::test_loss_gradient_equals_its_twin"))

STALE_FRAME = Lesson(
    "a stale frame in the stack",
    "it learns, and stops at little more than half of what can be had",
    Bug("envs.frame_preprocessing", "Observation.add",
        "self._shrink()\npush(self._plane, self._pixels)",
        "push(self._plane, self._pixels)\nself._shrink()"),
    _config(Lamp, 3_000, _a3c(discount=0.5),
            Convolutional(pixels="center", dense=32, body_init="he_normal", head_init="near_zero")), (SCORE, ENTROPY),
    """Two lines in the wrong order: the plane that is pushed onto the stack is the one of the step before.
    Pictures of the stack look right, shapes and types are right, and the agent learns, since a world seen one step
    late is still a world, only a harder one.  Here a lamp changes half the time.  Who sees it late is right at the
    first step, and then half the time: 1 + 7/2 = 4.5 of 8, and that is the height at which the broken curve lies.
    In a game the loss may be too small for anybody to miss it.  Work out by hand what the best agent would score on
    a toy, and let no difference pass.""",
    ("tests/envs/test_frame_preprocessing.py::test_the_newest_plane_is_the_last_and_the_oldest_leaves",))

ONE_SEED = Lesson(
    "all workers with one seed",
    "several workers, and little or nothing wrong with the score: count what they played",
    Bug("training.supervisor", "Crew._start",
        "seed = np.random.SeedSequence(self.start_point.config.seed, spawn_key=(self.streams,))",
        "seed = np.random.SeedSequence(self.start_point.config.seed, spawn_key=(1,))"),
    _config(LateCatch, 30_000, _a3c(), workers=3), (SCORE, PLAYED_BEFORE),
    """Every worker seeds its random numbers with the run's seed, or inherits the state of the process that forked
    it.  All of them meet the same games with the same draws, in the same order.  The score hardly shows it: of nine
    broken runs on this toy eight learned as well as the sound ones.  What is lost is what the workers are for,
    experience that differs: of three workers' games at most the fastest one's are new.  In this toy the length of a
    game, 5 to 9 steps, is drawn with its seed: of two workers' games of the same number one in five should be of
    one length, and here it is every one.  Compare the workers' first observations, or their streams, once.""",
    ("tests/teaching/bugs/test_streams.py::test_every_worker_is_given_a_stream_of_its_own",), in_processes)

FLOAT64 = Lesson(
    "float64 creeping in",
    "the scores are those of a sound run; look at the clock",
    Bug("core.parameters", "Parameters.__init__",
        "self.flat = aligned_zeros(size, dtype) if flat is None else flat",
        "self.flat = np.zeros(size) if flat is None else flat"),
    _config("Catch", 6_000, _a3c(), MLP(hidden=256)), (SCORE, MICROSECONDS),
    """numpy.zeros without a type makes float64. theta' and d_theta are then of double width, every product with
    them is computed in it, and every result is rounded back on its way out: correct, and if anything more exact, so
    that no score and no gradient check will ever tell; where curves part, it is by rounding, and neither is the
    better.  It shows in the time of a step and in memory: twice the bytes for theta' and d_theta, half the numbers
    in a vector register or a cache.  Ask for the type of what you allocate, and keep a benchmark.  In this package
    images are spared: the convolution's kernel refuses arrays of two types.""",
    ("tests/teaching/bugs/test_float32.py::test_all_that_a_worker_computes_with_is_float32",))

STATE_KEPT = Lesson(
    "recurrent state not reset",
    "a memory that learns nothing better than to say the same thing always",
    Bug("core.rollout", "Player._begin",
        "self.recurrent.write(0, 0)\nself.row, self.chosen = 0, False",
        "self.chosen = False"),
    _config(Count, 10_000, _a3c(discount=0.3, entropy_weight=0.02),
            MLP(hidden=16, layers=1, recurrent=True, cells=32), optimizer=RMSProp(learning_rate=5e-3, epsilon=1e-5)),
    (SCORE, ENTROPY),
    """An LSTM's state belongs to an episode, and has to be zero where the next one begins.  Here it is carried
    over.  Steps are to be counted from the beginning of a game; as games are of any length, a count that goes on
    over their ends is wrong in the next one, and all that the broken runs found is to give the most frequent answer
    always: 2.4 of 6.  Where observations tell that a game has begun, a network can learn to forget by itself: on
    the toy Memory two of three such runs were merely slower.  The gradient is right all along.  Look at the state
    at an episode's first step.""",
    ("tests/core/test_rollout.py::test_a_recurrent_state_is_carried_across_rollouts_and_dropped_at_an_episodes_end",))

NOT_CLIPPED = Lesson(
    "a gradient that is not clipped",
    "some runs are perfect, some are ruined in one step and never recover",
    Bug("core.optimizers.momentum_sgd", "MomentumSGD.update",
        "norm = clip(d_theta, self.max_gradient_norm)",
        "norm = clip(d_theta.copy(), self.max_gradient_norm)"),
    _config(Jackpots, 16_000, _a3c(discount=0.5),
            optimizer=MomentumSGD(learning_rate=0.1, momentum=0.9, max_gradient_norm=1.0)), (ORDINARY_SCORE, ENTROPY),
    """Clipping works in place, and here it is given a copy: the norm that is logged is right, the option is read,
    and the gradient goes on unclipped.  One reward in two hundred is a hundred times as large.  Its step throws
    theta far away, where every policy is certain, no gradient comes back, and the run is lost; whether and when is
    a matter of the seed.  RMSProp would hide it: it divides by the root of what it has just seen, and on this toy
    unclipped RMSProp learned no worse in any of six seeds.  Never judge by one run, and look at how far theta moves
    in an update, not at the norm that is reported.""",
    ("tests/core/optimizers/test_momentum_sgd.py"
     "::test_the_gradient_is_clipped_by_its_global_norm_and_reported_unclipped",))

ADVANTAGE = Lesson(
    "an advantage that is not held constant",
    "it hardly learns, and sees values above the best return from the first moment on",
    Bug("core.algorithms.a3c", "A3C.loss_gradient",
        "d_values = -2 * self.value_weight * advantages[:, None]",
        "from ..distributions.categorical import softmax\n"
        "d_values = -2 * self.value_weight * advantages[:, None]\n"
        "pi = softmax(outputs[0])[np.arange(len(actions)), actions]\n"
        "d_values += np.log(pi)[:, None]"),
    _config("Catch", 16_000, _a3c(value_weight=0.25)), (SCORE, VALUE),
    """R - V in the policy's term weighs log pi; it is not to be changed by it.  Where a framework differentiates
    the loss as it is written, without a stop, V gets a second gradient, log pi of the action taken.  Both together
    vanish at V = R + H / 2c, not at V = R: every value is too large by the policy's entropy over 2c, here by up to
    2.2, and as returns are bootstrapped from such values the agent is paid for coming to where it is undecided.
    Nothing complains: the gradient is the true derivative, of the wrong loss.  Hold the mean of V against the mean
    of the returns.""",
    ("tests/core/algorithms/test_a3c.py::test_loss_gradient_is_the_derivative_of_the_loss",
     "tests/core/algorithms/test_a3c.py::test_loss_gradient_equals_its_twin"))

LESSONS = (PAST_THE_END, ENTROPY_SIGN, STALE_FRAME, ONE_SEED, FLOAT64, STATE_KEPT, NOT_CLIPPED, ADVANTAGE)

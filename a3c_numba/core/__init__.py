"""The paper (Mnih et al. 2016, "Asynchronous Methods for Deep Reinforcement Learning") in code, and DQN, its baseline.

The 14 files to read, in this order, each with its part of the paper:

     1  parameters                  theta: one flat vector with named views
     2  returns                     a rollout; R <- r_i + gamma R (Algorithm S3), as a lambda-return
     3  rollout                     "repeat until terminal s_t or t - t_start = t_max" (Algorithms S2 and S3)
     4  shared                      theta, g, theta- and T: what all workers read and write without a lock (section 4)
     5  worker                      the loop of one worker (Algorithms 1, S2 and S3)
     6  layers/base                 what a layer is, and the cache that backward reads
     7  layers/dense                y = x W + b, and its gradients
     8  layers/relu                 y = max(x, 0), and its gradient
     9  layers/conv2d               a convolution as a product of patches and a weight matrix, and its gradients
    10  layers/containers           layers in sequence (Chain) and side by side (Fork); the chain rule
    11  distributions/categorical   pi(a|s) = softmax: log pi, entropy, and the policy gradient (section 4)
    12  algorithms/a3c              the loss of A3C and its gradient (Algorithm S3)
    13  optimizers/base             what an optimizer is; clipping of the global norm
    14  optimizers/rmsprop          theta <- theta - eta d theta / sqrt(g + epsilon) (section 4, Optimization)

The other files:

    hyperparameters, kernel, schedules        fields with a range; the Numba decorator; annealing (section 5.1)
    gradient, target_network                  d theta; theta-
    networks                                  the paper's networks, built from layers (section 5.1)
    layers/relu_dense, similar_images         a ReLU and the dense layer above it, fused; batches of images
    layers/lstm, recurrent_state              LSTM cells; their state between rollouts
    layers/input_scaling, initializers        bytes to numbers; how weights start
    distributions/gaussian, epsilon_greedy    continuous actions (section 5.3); exploration of the value methods
    algorithms/one_step_q, one_step_sarsa, n_step_q, value_based    Algorithm 1, section 4, Algorithm S2, their base
    replay, replay_worker, algorithms/dqn     DQN (Mnih et al. 2015): its memory, its worker, its loss
    optimizers/momentum_sgd                   the paper's third optimiser
    distributions/base, algorithms/base       Protocols: what each of them is

Not in core: environments (envs/), processes and their supervision (training/, system/), files (runs/), a trained
network that acts (inference.py), evaluation, pictures, the command line, the check of values (validation.py).

Optional, in fast_kernels/: the same sums in vector registers (conv2d_tiled, dot_tile), only for the parts of an image
that have changed (fresh_patches); stacks of frames (interleaved_frames).  core imports only numpy, Numba, gymnasium's
spaces, system/ and fast_kernels/.
"""

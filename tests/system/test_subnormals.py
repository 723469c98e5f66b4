"""A worker computes with 0 in place of subnormal numbers, and is not slowed down by them."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from llvmlite import binding, ir
from numba.core import config

from a3c_numba.core.layers.lstm import cell_backward, cell_forward
from a3c_numba.core.layers.relu_dense import rectified_backward, rectified_forward
from a3c_numba.core.optimizers import momentum_sgd, rmsprop
from a3c_numba.system import subnormals
from a3c_numba.system.subnormals import flush_subnormals, subnormals_flushed

needs_the_register = pytest.mark.skipif(config.DISABLE_JIT or not (subnormals.X86 or subnormals.ARM),
                                        reason="kernels not compiled, or another processor")
USUAL, TINY = 1e-10, [1e-30, 7e-44, 1e-45]
N = 100_000


def product(x=1e-40):
    return float(np.multiply(np.full(4, x, np.float32), np.float32(1))[2])


@needs_the_register
def test_a_block_computes_with_0_and_restores_the_threads_bits():
    assert product() != 0
    with pytest.raises(KeyError), subnormals_flushed():
        assert product() == 0
        with subnormals_flushed():
            assert product() == 0
        assert product() == 0
        raise KeyError
    assert product() != 0


@needs_the_register
def test_workers_flush_and_the_process_that_starts_them_does_not(monkeypatch):
    from a3c_numba.training import worker_process
    seen = []

    def constructed(*arguments):
        seen.append(product())
        raise RuntimeError("enough")
    monkeypatch.setattr(worker_process, "make_worker", constructed)
    pipe = type("Pipe", (), {"send": lambda self, message: None})()
    with subnormals_flushed():                                           # puts the register back after the worker
        subnormals.write_control(np.uint32(subnormals.read_control() & ~subnormals.FLUSH))
        with pytest.raises(SystemExit):
            worker_process.main(0, None, SimpleNamespace(shared=None), np.random.SeedSequence(0), None, pipe)
    assert seen == [0.0] and product() != 0


def test_the_register_of_an_arm_processor_is_read_and_written():
    try:
        binding.initialize_all_targets()
        binding.initialize_all_asmprinters()
        target = binding.Target.from_triple("aarch64-linux-gnu")
    except (RuntimeError, AttributeError):
        pytest.skip("this llvmlite has no ARM target")
    module = ir.Module()
    module.triple = target.triple
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), []), "flush")
    builder = ir.IRBuilder(function.append_basic_block())
    word = subnormals.emit_read(builder, x86=False)
    subnormals.emit_write(builder, builder.or_(word, ir.Constant(subnormals.WORD, 1 << 24)), x86=False)
    builder.ret_void()
    assembly = target.create_target_machine().emit_assembly(binding.parse_assembly(str(module)))
    assert "mrs" in assembly and "msr" in assembly and "FPCR" in assembly and "#0x1000000" in assembly


def rms(value):
    theta, g, d, local = np.zeros((4, N), np.float32)
    constants = np.array([7e-4, 0.99, 0.01, 0.1], np.float32)
    return lambda: g.fill(value) or d.fill(value) or rmsprop.update(theta, g, d, local, *constants)


def momentum(value):
    theta, m, d, local = np.zeros((4, N), np.float32)
    constants = np.array([7e-4, 0.99, 0.01], np.float32)
    return lambda: m.fill(value) or d.fill(value) or momentum_sgd.update(theta, m, d, local, *constants)


def dense(value):
    x, weight, d_y = (np.full(shape, value, np.float32) for shape in ((5, 400), (400, 64), (5, 64)))
    bias, y, d_x = np.zeros(64, np.float32), np.zeros((5, 64), np.float32), np.zeros((5, 400), np.float32)

    def run():
        rectified_forward(x, weight, bias, y)
        rectified_backward(x, weight, d_y, np.zeros_like(weight), bias, d_x)
    return run


def lstm(value):
    z, d_z = np.zeros((2, 4 * N), np.float32)
    c, c_before, tanh_c, d_h, d_c = np.zeros((5, N), np.float32)

    def run():
        for array in (z, c_before, tanh_c, d_h, d_c):
            array.fill(value)
        np.tanh(z, out=z)
        cell_forward(z, c_before, c)
        z.fill(value)                                                    # gates that underflowed
        cell_backward(z, c_before, tanh_c, d_h, d_c, d_z)
    return run


def milliseconds(run, calls=5):
    """The least of several calls: what else the machine does only adds to a time."""
    times = []
    for _ in range(calls):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times)


@needs_the_register
@pytest.mark.parametrize("made", [rms, momentum, dense, lstm])
def test_kernels_take_as_long_with_subnormal_numbers(made):
    """On Intel processors they take 8 to 40 times as long without the register's bits, so that 2 tells them apart."""
    runs = {value: made(value) for value in [USUAL, *TINY]}
    with subnormals_flushed():
        for run in runs.values():
            run()
        for _ in range(20):                                              # of which one will be undisturbed
            times = {value: milliseconds(run) for value, run in runs.items()}
            if max(times.values()) < 2 * times[USUAL]:
                return
    raise AssertionError(f"milliseconds by value: {times}")


@needs_the_register
@pytest.mark.parametrize("alpha", [0.99])
def test_statistics_without_a_gradient_end_at_0_only_if_flushed(alpha):
    theta, g, d, local = np.zeros((4, 64), np.float32)
    constants = np.array([7e-4, alpha, 1 - alpha, 0.1], np.float32)

    def aged():
        g.fill(1e-3)
        for _ in range(12_000):
            rmsprop.update(theta, g, d, local, *constants)
        return float(g.max())
    assert 0 < aged() < 1e-43                                            # where rounding undoes the multiplication
    with subnormals_flushed():
        assert aged() == 0


def test_nothing_happens_where_kernels_are_not_compiled(monkeypatch):
    monkeypatch.setattr(config, "DISABLE_JIT", True)
    flush_subnormals()
    with subnormals_flushed():
        assert product() != 0

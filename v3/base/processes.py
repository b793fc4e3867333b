"""Training by many processes, which torchrun starts: each has a part of every batch.

All that concerns the batch as a whole is of the whole one. What has to be known of it is gathered,
and then the same functions give the same loss as in one process. A gradient passes back through
what was gathered to the process that it came from; DistributedDataParallel takes the mean over
processes of the gradients of a loss that is the same in all, which is the loss's own gradient.
Random numbers are drawn for the whole batch, by every process from the same seed, and each takes
its part. Without torchrun, all of this changes nothing, down to the last bit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Generator, Tensor, nn
from torch.distributed import _functional_collectives as collectives
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from v3.base import stopping
from v3.base.errors import V3Error

T = TypeVar("T")
SAID = "v3/said"  # in the processes' common store: how many wanted to say why they end
GONE = (
    "another process of this training ended, perhaps for want of memory: run the same command "
    "again, which goes on from the last checkpoint."
)


@contextmanager
def joined() -> Iterator[None]:
    """Work as one of the processes that torchrun started; without torchrun alone.

    Where one of them ends before its time, so do the others, with one sentence between them all:
    `V3Error` says what they know of it.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    store, rank, size = next(dist.rendezvous("env://"))
    stopping.speak_if(lambda: store.add(SAID, 1) == 1)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    try:
        dist.init_process_group(backend, store=store, rank=rank, world_size=size)
        yield
    except RuntimeError as error:  # in backward passes gloo's come as plain ones
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise V3Error(GONE) from error
        raise
    dist.destroy_process_group()


def count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Which of them this one is, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def first() -> bool:
    """Whether this is the one that writes files and says how it goes."""
    return rank() == 0


def here() -> int:
    """How many of them share this machine's cores and memory."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if count() > 1 else 1


def own_device(kind: str) -> torch.device:
    """`cpu`, or of the devices of a kind the one that is this process's own."""
    if count() == 1 or kind == "cpu":
        return torch.device(kind)
    if kind != "cuda":
        raise V3Error(f"machine.device is {kind}, which one process uses alone: set it to cpu.")
    if here() > torch.cuda.device_count():
        raise V3Error(
            f"{here()} processes here want a GPU each, and this machine has "
            f"{torch.cuda.device_count()}: start as many with --nproc-per-node, or set "
            "machine.device to cpu."
        )
    device = torch.device(kind, int(os.environ["LOCAL_RANK"]))
    torch.cuda.set_device(device)
    return device


def from_first(value: T) -> T:
    """The value that the first process has."""
    if count() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def gather(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Tensors (b, ...) of all processes, one after the other: (b * processes, ...), with gradients.

    Those of a type travel together. What comes back to a process is the sum over processes of the
    gradients of its own part.
    """
    if count() == 1:
        return tensors
    found: dict[int, Tensor] = {}
    for kind in dict.fromkeys(tensor.dtype for tensor in tensors):
        members = [place for place, tensor in enumerate(tensors) if tensor.dtype == kind]
        flat = torch.cat([tensors[place].reshape(-1) for place in members])
        # what PyTorch 2.13 names in the warning of torch.distributed.nn.functional.all_gather
        parts = collectives.all_gather_single_autograd(flat, 0, _all())
        rows = collectives.wait_tensor(parts).view(count(), -1)
        sizes = [tensors[place].numel() for place in members]
        for place, part in zip(members, rows.split(sizes, dim=1), strict=True):
            found[place] = part.reshape(-1, *tensors[place].shape[1:])
    return tuple(found[place] for place in range(len(tensors)))


def _all() -> dist.ProcessGroup:
    assert dist.group.WORLD is not None
    return dist.group.WORLD


def rand(*size: int, generator: Generator | None) -> Tensor:
    """This process's part (n, ...) of the uniform draws that all of them make."""
    return _own(torch.rand(*_whole(size), generator=generator))


def randn(*size: int, generator: Generator | None) -> Tensor:
    """This process's part (n, ...) of the normal draws that all of them make."""
    return _own(torch.randn(*_whole(size), generator=generator))


def randn_like(x: Tensor, generator: Generator) -> Tensor:
    """As `randn`, of the shape of x (n, ...) and drawn where x lies.

    A GPU draws millions in the time that a CPU needs for thousands, and need not be sent them; its
    own generator takes its seed from `generator`.
    """
    if x.device != generator.device:
        seed = int(torch.randint(2**62, (), generator=generator))
        generator = Generator(x.device).manual_seed(seed)
    return _own(torch.randn(_whole(x.shape), generator=generator, device=x.device))


def randint(high: int, size: tuple[int, ...], generator: Generator | None) -> Tensor:
    """This process's part (n, ...) of the whole numbers under `high` that all of them draw."""
    return _own(torch.randint(high, _whole(size), generator=generator))


def _whole(size: tuple[int, ...]) -> tuple[int, ...]:
    return (size[0] * count(), *size[1:])


def _own(draws: Tensor) -> Tensor:
    return draws.chunk(count())[rank()]


def std(x: Tensor) -> Tensor:
    """Standard deviation () of the x of all processes, which are of one size."""
    if count() == 1:
        return x.std()
    variance, _ = _variance_and_mean(*torch.var_mean(x, correction=0))
    values = x.numel() * count()
    return (variance * values / (values - 1)).sqrt()


def _variance_and_mean(variance: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Of all processes' values, from those of each one's own, of which there are as many."""
    variances, means = gather(variance[None], mean[None])
    mean = means.mean(0)
    return (variances + (means - mean).square()).mean(0), mean


class _Normalise(torch.autograd.Function):
    """x (N, C, ...) by the mean and variance of all processes; returns those, too.

    y = weight * z + bias with z = (x - mean) / deviation, so that the gradient of x is weight /
    deviation * (g - mean(g) - z * mean(g * z)) with means over all processes. PyTorch's kernels
    give the part of g alone, and this process's sums of g and of g * z.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance = torch.batch_norm_update_stats(x.float(), None, None, 0.0)
        variance, mean = _variance_and_mean(variance, mean)
        ctx.save_for_backward(x, weight, mean, variance)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, variance)
        return batch_norm(x, mean, variance, weight, bias, False, 0.0, eps), mean, variance

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, variance = ctx.saved_tensors
        of_x, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradients[0], x, weight, mean, variance, None, None, False, ctx.eps, [True] * 3
        )
        products, plain = (own.sum(0) for own in gather(of_weight[None], of_bias[None]))
        inverse = (variance + ctx.eps).rsqrt()
        scale = inverse if weight is None else inverse * weight
        scale = scale * len(mean) / (x.numel() * count())
        slope = -scale * products * inverse
        shape = (1, -1, *[1] * (x.ndim - 2))
        shift = -scale * plain - slope * mean
        of_x = of_x + (x * slope.view(shape) + shift.view(shape)).to(of_x.dtype)
        return of_x, *((None, None) if weight is None else (of_weight, of_bias)), None


class SharedBatchNorm(_BatchNorm):
    """Batch norm by mean and variance of the batches of all processes.

    PyTorch's SyncBatchNorm takes tensors on GPUs alone.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        y, mean, variance = _Normalise.apply(input, self.weight, self.bias, self.eps)
        if self.track_running_stats:
            self._note(mean, variance, count() * input.numel() // len(mean))
        normalised: Tensor = y
        return normalised

    @torch.no_grad()
    def _note(self, mean: Tensor, variance: Tensor, values: int) -> None:
        """For evaluation: moving averages, the variance without bias, as PyTorch's own."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * values / (values - 1), self.momentum)

    def _check_input_dim(self, input: Tensor) -> None:
        """Any number of dimensions will do."""


def share_norms(model: nn.Module) -> None:
    """Have the batch norms of a model know the batches of all processes, if there are several."""
    if count() == 1:
        return
    for parent in list(model.modules()):
        for name, norm in list(parent.named_children()):
            if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                shared = SharedBatchNorm(norm.num_features, norm.eps, norm.momentum, norm.affine)
                shared.load_state_dict(norm.state_dict())
                setattr(parent, name, shared)


def share_gradients(loss: nn.Module) -> nn.Module:
    """A module whose backward pass gives the gradients' mean over all processes, if several.

    Weights and buffers are those of the first process to begin with, buffers at every pass.
    """
    return loss if count() == 1 else DistributedDataParallel(loss)

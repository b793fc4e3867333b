"""The supervised upper bound: the model's own encoder, taught with the labels.

The same spec, fragments and random changes as in training, a linear head on z_c and cross-entropy
in place of the loss. What it reads on fragments that taught it nothing is about what the encoder
could at best, with so much data; where k-means stands below it, a model has room between the two.
Labels end here: training takes no part in it but its batches and changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from v3.base.params_file import Machine
from v3.base.progress import Progress
from v3.evaluation.codebook import codebook
from v3.evaluation.common import Array, draw_samples, labelled, majority_share
from v3.evaluation.embedding import embed
from v3.evaluation.left_out import any_known
from v3.evaluation.params import BoundParams
from v3.fragments.labels import LabelledFragments
from v3.model.spec import Spec
from v3.model.v3 import V3, network_input
from v3.training.batches import Batches
from v3.training.loop import build, require_finite
from v3.training.machine import choose_device, use_threads
from v3.training.objective import changed, kept_statistics
from v3.training.params import TrainParams
from v3.training.views import degrade

LOOKS = 12  # at the validation split, evenly over the steps
VALIDATION_FRAGMENTS = 4000  # at most, as in training
FIGURES = ("accuracy", "one_to_one", "purity", "zero_shot", "zero_shot_purity")
IGNORED = -1  # the label of a fragment that teaches nothing


@dataclass(frozen=True)
class Classifier:
    """A model, whose codebook and decoder have no part, a linear head on its z_c, and its record:
    the step whose weights were kept, and their accuracy on validation samples."""

    model: V3
    head: nn.Linear
    best_step: int
    validation_accuracy: float

    def classes(self, file: LabelledFragments, samples: Sequence[int]) -> NDArray[np.int64]:
        """The content (N,) that is read in each fragment of the samples, in their order."""
        return predicted(self.model, self.head, embed(self.model, file, samples).z_c)


def fit_classifier(
    file: LabelledFragments,
    training: Sequence[int],
    validation: Sequence[int],
    spec: Spec,
    train: TrainParams,
    params: BoundParams,
    machine: Machine,
    section: str = "train",
) -> Classifier | None:
    """A classifier of contents by the samples `training`; the best weights by `validation`.

    Fragments without a label teach nothing; None if all of one part are without. `section` names
    the parameters `train` in errors.
    """
    training, validation = with_labels(file, training), with_labels(file, validation)
    if not len(training) or not len(validation):
        return None
    device = choose_device(machine.device)
    use_threads(machine)
    train = train.model_copy(update={"seed": params.seed})
    model = build(file.path, training, spec, train, section).to(device)
    head = nn.Linear(spec.content_dim, len(file.info.content_names)).to(device)
    learnt = nn.ModuleList([model.encoder, head])
    optimiser = torch.optim.AdamW(
        learnt.parameters(), lr=train.learning_rate, weight_decay=train.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, params.steps)
    n = train.fragments_per_sample
    together = min(len(training), max(1, params.batch_fragments // n))
    batches = Batches(file.path, training, together, n, params.seed, machine.memory_gb)
    labels = labels_of(batches, file, training)
    held_out = draw_samples(file.starts, validation, VALIDATION_FRAGMENTS, params.seed)
    truth = file.content[file.rows_of(held_out)]

    best: dict[str, Tensor] = {}
    best_step, best_accuracy = 0, -1.0
    looks = set(np.linspace(0, params.steps, LOOKS + 1).round().astype(int).tolist())
    source = batches.from_step(0, params.steps, machine.loaders)
    progress = Progress(source, total=params.steps, unit="step")
    for step, (raw, distinct) in enumerate(progress):
        wanted = labels[batches.rows(step)[0]]
        wanted[~distinct.numpy()] = IGNORED
        target = torch.from_numpy(wanted).flatten().to(device)
        x = network_input(raw.to(device), model.info)
        loss = step_loss(model, head, x, target, train, step)
        require_finite(float(loss.detach()), step, train, section)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        if step + 1 in looks:
            found = predicted(model, head, embed(model, file, held_out).z_c)
            accuracy = share_right(found, truth)
            if accuracy >= best_accuracy:  # of two alike the later, whose steps were smaller
                best_step, best_accuracy = step + 1, accuracy
                best = {name: value.clone() for name, value in learnt.state_dict().items()}
            progress.note(f"validation accuracy {accuracy:.3f}")
    learnt.load_state_dict(best)
    return Classifier(model.eval(), head, best_step, best_accuracy)


def step_loss(
    model: V3, head: nn.Linear, x: Tensor, target: Tensor, train: TrainParams, step: int
) -> Tensor:
    """Mean cross-entropy of network input (b, n, C, H, W) in its random changes, by step's number.

    `target` (b * n,); of fragments whose label is -1 none is taken. Where training shows a second,
    blurred and noisy view of each fragment, every other step takes that in place of the first.
    """
    generator = torch.Generator().manual_seed(train.seed * 1_000_003 + step)
    model.train()
    seen = changed(x, train, generator)[1]
    if step % 2 and (train.weights.agreement > 0 or train.weights.discrimination > 0):
        seen = degrade(seen, train.view, generator)
        with kept_statistics(model.encoder):
            z_c = model.embed_samples(seen)[0]
    else:
        z_c = model.embed_samples(seen)[0]
    total = nn.functional.cross_entropy(head(z_c), target, ignore_index=IGNORED, reduction="sum")
    return total / (target != IGNORED).sum().clamp_min(1)


def labels_of(
    batches: Batches, file: LabelledFragments, samples: Sequence[int]
) -> NDArray[np.int64]:
    """The contents that the rows of the batches stand for: of the file, or of their memory."""
    content = file.content if batches.memory is None else file.content[file.rows_of(samples)]
    return content.astype(np.int64)


def with_labels(file: LabelledFragments, samples: Sequence[int]) -> list[int]:
    """Those of the samples in which some content is known."""
    known = np.bincount(file.sample[file.content >= 0], minlength=file.samples) > 0
    return [sample for sample in samples if known[sample]]


@torch.inference_mode()
def predicted(model: V3, head: nn.Linear, z_c: Array) -> NDArray[np.int64]:
    """The likeliest class (N,) of each z_c (N, d_c)."""
    found: NDArray[np.int64] = head(torch.from_numpy(z_c).to(model.device)).argmax(1).cpu().numpy()
    return found


def share_right(classes: Array, labels: Array) -> float:
    """Share of classes (N,) that are the labels (N,); those of -1 are left out."""
    labels, classes = labelled("bound", labels, classes)
    return float((classes == labels).mean())


def bound_figures(
    test: tuple[Array, Array], unseen: tuple[Array, Array] | None, classes: int
) -> dict[str, Any]:
    """Figures of predicted classes and labels (N,) of the test and the unseen part.

    one_to_one, purity and zero_shot_purity: as of codes, whose place the classes take; accuracy:
    share right on the test part; zero_shot: on the unseen one; chance_...: as beside the model's.
    None where there is no unseen part, or a part has no label.
    """
    figures: dict[str, Any] = dict.fromkeys([*FIGURES, *(f"chance_{name}" for name in FIGURES)])
    if any_known(test[1]):
        on_test = codebook(*test, classes, classes)
        for name in ("one_to_one", "purity"):
            figures |= {name: on_test[name], f"chance_{name}": on_test[f"chance_{name}"]}
        figures["accuracy"] = share_right(*test)
        figures["chance_accuracy"] = majority_share(test[1][test[1] >= 0])
    if unseen is not None and any_known(unseen[1]):
        on_unseen = codebook(*unseen, classes, classes)
        figures["zero_shot"] = share_right(*unseen)
        figures["zero_shot_purity"] = on_unseen["purity"]
        figures["chance_zero_shot"] = majority_share(unseen[1][unseen[1] >= 0])
        figures["chance_zero_shot_purity"] = on_unseen["chance_purity"]
    return figures

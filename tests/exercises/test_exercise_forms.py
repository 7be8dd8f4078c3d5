"""What is mathematically the same as the reference's result is right, in any form and order of operations."""

import numpy as np
import pytest
import torch
from torch import Tensor

from course_utils.exercises.engine import judge
from course_utils.exercises.engine.checking import catalogue

NEED_GRADIENTS = {"expected_nll", "reparameterise", "kl_to_prior"}


def is_float(x):
    return isinstance(x, Tensor) and x.is_floating_point()


def rounded(x):
    """Another order of operations: a few units in the last place."""
    if is_float(x):
        signs = torch.arange(x.numel()).view(x.shape) % 3 - 1
        return x * (1 + 4 * torch.finfo(x.dtype).eps * signs) + torch.finfo(x.dtype).eps / 4 * signs
    return x * (1 + 4e-16) if isinstance(x, float) else x


def array(x):
    return x.detach().numpy() if isinstance(x, Tensor) else np.float64(x) if isinstance(x, float) else x


LEAVES = {
    "double": lambda x: x.double() if is_float(x) else x,
    "array": array,
    "list": lambda x: x.tolist() if isinstance(x, Tensor) else x,
    "list of tensors": lambda x: [*x] if isinstance(x, Tensor) and x.ndim else x,
    "tensor of one": lambda x: torch.tensor(x) if isinstance(x, int | float) else x,
    "whole as floats": lambda x: x.double() if isinstance(x, Tensor) and not is_float(x) else x,
    "sparse": lambda x: x.to_sparse() if isinstance(x, Tensor) and x.ndim else x,
    "rounded": rounded,
}


def stacked(result):
    """A tuple of equal shapes as one tensor."""
    if isinstance(result, tuple) and len({getattr(x, "shape", ()) for x in result}) == 1:
        return torch.stack([torch.as_tensor(x) for x in result])
    return result


def in_form(leaf):
    return lambda result: [leaf(x) for x in result] if isinstance(result, tuple) else leaf(result)


FORMS = {name: in_form(leaf) for name, leaf in LEAVES.items()} | {"stacked": stacked}


def same_form(came, like):
    if isinstance(like, tuple | list):
        return type(came) is type(like) and all(map(same_form, came, like))
    if isinstance(like, Tensor):
        same = came.is_floating_point() if like.is_floating_point() else came.dtype == like.dtype
        return isinstance(came, Tensor) and came.layout is torch.strided and same
    return isinstance(came, type(like)) or (isinstance(like, float) and isinstance(came, int))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_form_of_the_reference_is_right_and_what_is_handed_back_has_its_form(name, form):
    if (name, form) == ("pixel_mask", "rounded"):
        return  # zeros and ones are not computed
    exercise, seen = catalogue()[name], []

    def answer(*args):
        seen.append(args)
        return FORMS[form](exercise.reference(*args))

    verdict = judge(exercise, answer() if exercise.value else answer)
    if name in NEED_GRADIENTS and form in ("array", "list"):
        assert verdict.outcome == "wrong" and "no gradient" in verdict.text
        return
    assert verdict.outcome == "right", verdict.text
    handed_back = verdict.answer if exercise.value else verdict.answer(*seen[-1])
    assert same_form(handed_back, exercise.reference(*seen[-1]))


@pytest.mark.parametrize("name", sorted(name for name, exercise in catalogue().items() if not exercise.value))
def test_a_right_answer_computed_in_double_precision_is_right(name):
    exercise = catalogue()[name]

    def answer(*args):
        return exercise.reference(*map(LEAVES["double"], args))

    verdict = judge(exercise, answer)
    assert verdict.outcome == "right", verdict.text

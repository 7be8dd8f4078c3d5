"""One dialect of classes y, spoken by every model that can be built with classes: found on the tree."""

from math import log

import pytest
import torch
from pixels import random_model
from test_conformance import LEAVES, example

from course_utils.taxonomy import ClassConditional, Direct, TractableDensity

CONDITIONAL = [leaf for leaf in LEAVES if issubclass(leaf, ClassConditional)]
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
Y = torch.tensor([0, 2, 1, 2, 2])


def build(leaf, classes=3):
    return random_model(leaf, (1, 4, 4), 0.05, **({} if classes is None else {"classes": classes}))


def losses(model):
    """Every loss of the model, as a function of y."""
    x = example(model, 5)
    if isinstance(model, Direct):
        return [lambda y=None: model.discriminator_loss(x, y), lambda y=None: model.generator_loss(x, y)]
    return [lambda y=None: model.loss(x, y)]


def measures(model):
    """Every verb that measures x, as a function of y."""
    x = example(model, 5)
    verbs = [getattr(model, name) for name in ("log_prob", "elbo") if hasattr(model, name)]
    return [lambda y=None, verb=verb: verb(x, y) for verb in verbs]


@pytest.mark.parametrize("leaf", CONDITIONAL)
class TestEveryModelWithClasses:
    def test_every_type_of_integers_will_do(self, leaf):
        model = build(leaf)
        for call in (*losses(model), *measures(model), lambda y: model.sample(5, y=y)):
            values = []
            for dtype in INTEGERS:
                torch.manual_seed(2)
                values.append(call(Y.to(dtype)))
            assert all(torch.equal(value, values[0]) for value in values)

    def test_what_are_no_classes_is_named(self, leaf):
        model = build(leaf)
        bad = (Y + 1, Y - 1, Y[:4], Y[:, None], Y.double(), Y > 0, Y.tolist(), 1, "three", Y.to("meta"))
        for call in (*losses(model), *measures(model), lambda y: model.sample(5, y=y)):
            for y in bad:
                with pytest.raises(ValueError, match=f"{leaf.__name__}.*: expected y as 5 integers"):
                    call(y)

    def test_a_model_without_classes_takes_none(self, leaf):
        model = build(leaf, None)
        assert model.classes is None
        for call in (*losses(model), *measures(model), lambda y=None: model.sample(5, y=y)):
            assert call().isfinite().all()
            with pytest.raises(ValueError, match=f"{leaf.__name__}: expected no classes"):
                call(Y)

    def test_a_loss_needs_the_class(self, leaf):
        model = build(leaf)
        for loss in losses(model):
            assert loss(Y).isfinite()
            with pytest.raises(ValueError, match=f"{leaf.__name__}: expected classes y .*got None"):
                loss()

    def test_a_class_makes_a_difference_everywhere(self, leaf):
        model = build(leaf)
        for call in (*losses(model), *measures(model), lambda y: model.sample(5, y=y)):
            torch.manual_seed(3)
            first = call(Y)
            torch.manual_seed(3)
            assert not torch.equal(first, call(2 - Y))

    def test_bad_counts_of_classes_are_named(self, leaf):
        for classes in (0, -1, 1.5, True, "3"):
            with pytest.raises(ValueError, match=f"{leaf.__name__}: classes"):
                leaf((1, 4, 4), classes=classes)


@pytest.mark.parametrize("leaf", [leaf for leaf in CONDITIONAL if issubclass(leaf, TractableDensity)])
def test_without_a_class_a_density_is_the_equal_mixture(leaf):
    model = build(leaf)
    x = example(model, 5)
    each = torch.stack([model.log_prob(x, torch.full((5,), k)) for k in range(3)])
    torch.testing.assert_close(model.log_prob(x), each.logsumexp(0) - log(3), rtol=0, atol=1e-10)
    torch.testing.assert_close(model.loss(x, Y), -each[Y, torch.arange(5)].mean(), rtol=0, atol=1e-10)

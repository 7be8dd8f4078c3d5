"""What every variational model keeps to, beside the suite for all models: found on the tree."""

import pytest
import torch

import course_utils.models  # noqa: F401  (a leaf is on the tree once it is defined)
from course_utils.taxonomy import GenerativeModel, Variational, approximate, leaves, log_mean_weight

LEAVES = list(leaves(Variational))


def build(leaf: type[GenerativeModel], **kinds: object) -> GenerativeModel:
    """The model with its defaults, weights pushed away from their start, in float64."""
    torch.manual_seed(0)
    model = leaf((1, 3, 3), **kinds).double()
    for parameter in model.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return model.eval()


def test_there_is_one():
    assert LEAVES


@pytest.mark.parametrize("leaf", LEAVES)
class TestEveryVariationalModel:
    def test_bounds_are_ordered_in_the_mean(self, leaf):
        model = build(leaf)
        x = model.sample(2000)
        bounds = [model.importance_weighted_bound(x, k) for k in (1, 4, 16)]
        with torch.no_grad():
            bounds.insert(0, model.elbo(x))
        assert all(bound.shape == (2000,) and bound.isfinite().all() for bound in bounds)
        elbo, first, *more = (bound.mean() for bound in bounds)
        assert abs(elbo - first) < 5 * (bounds[0] - bounds[1]).std() / 2000**0.5
        assert first < more[0] < more[1]

    def test_many_codes_are_drawn_in_parts_that_fit_in_memory(self, leaf, monkeypatch):
        """The parts have k draws in all, none has too many rows, and all weights count alike."""
        model, parts = build(leaf), []
        monkeypatch.setattr(approximate, "CODES_AT_ONCE", 50)
        draw = model._log_weights

        def watched(x, y, k, generator):
            parts.append(draw(x, y, k, generator))
            return parts[-1]

        monkeypatch.setattr(model, "_log_weights", watched)
        bound = model.importance_weighted_bound(model.sample(7), 33)
        assert sum(map(len, parts)) == 33 and max(part.numel() for part in parts) <= 50
        assert len(parts) == 5 and not bound.requires_grad
        assert torch.equal(bound, log_mean_weight(torch.cat(parts)))
        parts.clear()
        model.importance_weighted_bound(model.sample(60), 2)
        assert [len(part) for part in parts] == [1, 1]

    def test_the_same_random_numbers_give_the_same_bounds(self, leaf):
        model = build(leaf)
        x = model.sample(5)

        def bounds(seed):
            generator = torch.Generator().manual_seed(seed)
            elbo = model.elbo(x, generator=generator)
            return torch.stack([elbo, model.importance_weighted_bound(x, 3, generator=generator)])

        assert torch.equal(bounds(1), bounds(1)) and not torch.equal(bounds(1), bounds(2))

    def test_encode_and_decode_give_laws(self, leaf):
        model = build(leaf)
        x = model.sample(6)
        q = model.encode(x)
        z = q.sample()
        assert q.mean.shape == z.shape == (6, *model.latent_shape) and q.log_prob(z).shape == (6,)
        p = model.decode(z)
        assert p.mean.shape == x.shape and p.log_prob(x).shape == (6,)
        assert model.check(p.sample()).shape == x.shape

    def test_bad_counts_codes_and_classes_are_named(self, leaf):
        model = build(leaf)
        x = model.sample(2)
        for k in (0, -1, 2.0, None, True):
            with pytest.raises(ValueError, match=f"{leaf.__name__}.importance_weighted_bound: k"):
                model.importance_weighted_bound(x, k)
        z = torch.zeros(2, *model.latent_shape, dtype=torch.double)
        for bad in (None, z[0], z.float(), z * torch.nan, torch.zeros(2, 99).double()):
            with pytest.raises(ValueError, match=f"{leaf.__name__}.decode"):
                model.decode(bad)
        for verb, value in ((model.encode, x), (model.decode, z)):
            with pytest.raises(ValueError, match=f"{leaf.__name__}: expected no classes"):
                verb(value, torch.tensor([0, 1]))

"""What every chain with an energy, every game and every variational model keeps to: found on the tree."""

import pytest
import torch
from agreement import agreement, sample_agreement
from test_conformance import build, example, leaves_of

from course_utils.taxonomy import (
    Direct,
    ExplicitMarkovChain,
    MarkovChain,
    Variational,
    approximate,
    leaves,
    log_mean_weight,
)
from course_utils.universe import all_images, state_index


@pytest.fixture(params=leaves_of(ExplicitMarkovChain))
def model(request):
    return build(request.param)


def enumerated(model):
    with torch.no_grad():
        return (-model.free_energy(all_images(3, 3).double())).log_softmax(0)


@pytest.mark.slow
def test_a_step_keeps_the_distribution_of_the_energy(model):
    log_p, stream = enumerated(model), torch.Generator().manual_seed(0)
    own, uniform = log_p.exp(), torch.full((512,), 1 / 512).double()
    for start, agrees in ((own, True), (uniform, False)):  # x ∼ start, then one step
        rows = torch.multinomial(start, 50_000, replacement=True, generator=stream)
        x = model.step(all_images(3, 3).double()[rows], generator=stream)
        assert (agreement(state_index(x), log_p).p_value > 1e-4) == agrees


@pytest.mark.slow
def test_samples_come_to_the_distribution_of_the_energy(model):
    model.mixing = 50
    stream = torch.Generator().manual_seed(0)
    assert sample_agreement(model, enumerated(model), 3000, generator=stream).p_value > 1e-4


@pytest.mark.parametrize("leaf", leaves_of(MarkovChain))
def test_a_step_stays_in_the_support_and_is_decided_by_its_random_numbers(leaf):
    model = build(leaf)
    x = example(model, 30)
    first, again, other = (model.step(x, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other) and not first.requires_grad
    assert model.check(first).shape == x.shape
    for steps in (0, -1, 1.5, True, "3"):
        with pytest.raises(ValueError, match=type(model).__name__):
            model.sample(3, steps=steps)


@pytest.mark.parametrize("leaf", leaves_of(MarkovChain))
def test_what_early_stopping_watches_is_fixed_and_finite(leaf):
    model = build(leaf)
    x = example(model, 8)
    assert model.held_out(x).isfinite() and model.held_out(x) == model.held_out(x)
    assert model.held_out(x).dim() == 0 and not model.held_out(x).requires_grad
    for bad in (None, x[:0], x + 0.5):
        with pytest.raises(ValueError, match=type(model).__name__):
            model.held_out(bad)


GAMES = list(leaves(Direct))


@pytest.mark.parametrize("leaf", GAMES)
class TestEveryGame:
    def test_each_player_has_a_finite_loss_that_reaches_all_its_weights(self, leaf):
        model = build(leaf)
        losses = {
            "discriminator": lambda: model.discriminator_loss(example(model, 16)),
            "generator": lambda: model.generator_loss(example(model, 16)),
        }
        for player, loss in losses.items():
            value = loss()
            assert value.dim() == 0 and value.isfinite()
            value.backward()
            for name, parameter in getattr(model, player).named_parameters():
                assert parameter.grad is not None and parameter.grad.abs().sum() > 0, (player, name)
            if player == "discriminator":
                assert all(parameter.grad is None for parameter in model.generator.parameters())

    def test_answers_are_one_an_example_and_probabilities_where_it_says_so(self, leaf):
        model = build(leaf)
        x = example(model)
        answers = model.discriminate(x)
        assert answers.shape == (4,)
        if model.probability:
            assert ((answers >= 0) & (answers <= 1)).all()
        torch.testing.assert_close(answers, torch.cat([model.discriminate(one[None]) for one in x]))

    def test_the_same_random_numbers_give_the_same_losses(self, leaf):
        model, x = build(leaf), example(build(leaf))
        for verb, given in ((model.discriminator_loss, x), (model.generator_loss, x)):
            first, again, other = (verb(given, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
            assert torch.equal(first, again) and not torch.equal(first, other)

    def test_bad_input_is_one_value_error_that_names_the_model(self, leaf):
        model = build(leaf)
        good, classes = example(model), torch.zeros(4, dtype=torch.long)
        for verb in (model.discriminator_loss, model.generator_loss, model.discriminate):
            for x in (None, good[0], good[:0], good.float(), good * torch.nan, good * torch.inf):
                with pytest.raises(ValueError, match=leaf.__name__):
                    verb(x)
            with pytest.raises(ValueError, match=f"{leaf.__name__}: expected no classes"):
                verb(good, classes)


LEAVES = list(leaves(Variational))


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

    def test_the_same_random_numbers_give_the_same_bounds(self, leaf):
        model = build(leaf)
        x = model.sample(5)

        def bounds(seed):
            generator = torch.Generator().manual_seed(seed)
            elbo = model.elbo(x, generator=generator)
            return torch.stack([elbo, model.importance_weighted_bound(x, 3, generator=generator)])

        torch.testing.assert_close(bounds(1), bounds(1))
        assert not torch.allclose(bounds(1), bounds(2))

    def test_encode_and_decode_give_distributions(self, leaf):
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

"""What every system passes that is learned in a game: leaves are found on the tree."""

import pytest
import torch
from test_conformance import build, example

from course_utils.taxonomy import Direct, leaves
from course_utils.training import fit

GAMES = list(leaves(Direct))


def test_there_is_one():
    assert GAMES


@pytest.mark.parametrize("leaf", GAMES)
class TestEveryGame:
    def test_each_player_has_a_finite_loss_that_reaches_all_its_weights(self, leaf):
        model = build(leaf)
        losses = {
            "discriminator": lambda: model.discriminator_loss(example(model, 16)),
            "generator": lambda: model.generator_loss(example(model, 16)),
        }
        for player, loss in losses.items():
            model.zero_grad()
            value = loss()
            assert value.dim() == 0 and value.isfinite()
            value.backward()
            for name, parameter in getattr(model, player).named_parameters():
                assert parameter.grad is not None and parameter.grad.abs().sum() > 0, (player, name)

    def test_it_has_no_verb_of_a_density_and_no_loss_of_the_whole(self, leaf):
        for verb in ("log_prob", "loss", "elbo", "free_energy", "encode", "step"):
            assert not hasattr(leaf, verb)

    def test_answers_are_one_an_example_and_probabilities_where_it_says_so(self, leaf):
        model, x = build(leaf), None
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

    @pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (2,)])
    def test_it_trains_a_step_at_other_sizes(self, leaf, shape):
        model = leaf(shape)
        before = [p.clone() for p in model.parameters()]
        history = fit(model, torch.rand(8, *shape), valid=0.25, epochs=1, progress=False, device="cpu")
        assert history.epochs == 1
        moved = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
        assert all(moved)

"""One suite that every system on the tree passes: models are found there, a new leaf only adds itself."""

import inspect
from math import inf, nan

import pytest
import torch

import course_utils.models as models
from course_utils.taxonomy import (
    Autoregressive,
    Direct,
    ExplicitDensity,
    Flow,
    GenerativeModel,
    ImplicitDensity,
    MarkovChain,
    TractableDensity,
    leaves,
)
from course_utils.training import fit
from course_utils.universe import bars_and_stripes

LEAVES = list(leaves())
VERBS = {"log_prob", "conditionals", "encode", "decode", "elbo", "free_energy", "step"}


def build(leaf: type[GenerativeModel]) -> GenerativeModel:
    """The model with its defaults, weights pushed away from their start, in float64."""
    torch.manual_seed(0)
    flow = issubclass(leaf, Flow)  # halves its images, and multiplies one scale by the next
    model = leaf((1, 4, 4) if flow else (1, 3, 3)).double()
    for parameter in model.parameters():
        deep = parameter.dim() > 2  # a convolution: as much noise would make every pixel certain
        size = 0.05 if flow else parameter[0].numel() ** -0.5 if deep else 0.3
        parameter.data.add_(size * torch.randn_like(parameter))
    return model.eval()


def example(model: GenerativeModel, n: int = 4) -> torch.Tensor:
    """A batch the model lives on."""
    x = torch.rand(n, *model.event_shape, dtype=torch.double)
    return (x < 0.5).double() if model.support == "binary" else x


def leaves_of(*nodes: type) -> list[type[GenerativeModel]]:
    return [leaf for leaf in LEAVES if issubclass(leaf, nodes)]


def test_every_leaf_is_exported_and_only_leaves_are():
    exported = {getattr(models, name) for name in models.__all__}
    assert exported == set(LEAVES) and LEAVES


@pytest.mark.parametrize("leaf", LEAVES)
class TestEveryLeaf:
    def test_it_is_born_in_eval_mode(self, leaf):
        assert not any(part.training for part in leaf((1, 4, 4)).modules())

    @pytest.mark.parametrize("value", [inf, -inf, nan])
    def test_values_that_are_not_finite_are_in_no_support(self, leaf, value):
        model = build(leaf)
        x = example(model)
        x[-1, -1, -1, -1] = value
        with pytest.raises(ValueError, match=f"{leaf.__name__}.*got a value {value}"):
            model.check(x)

    def test_defaults_are_enough_to_build_it(self, leaf):
        parameters = list(inspect.signature(leaf).parameters.values())
        assert parameters[0].name == "event_shape"
        assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in parameters[1:])
        assert leaf((1, 8, 8)).event_shape == (1, 8, 8)

    def test_samples_have_the_shape_support_and_no_gradient(self, leaf):
        model = build(leaf)
        x = model.sample(5)
        assert x.shape == (5, *model.event_shape) and not x.requires_grad
        assert model.check(x) is x

    def test_the_same_random_numbers_give_the_same_samples(self, leaf):
        model = build(leaf)
        seeds = (torch.Generator().manual_seed(seed) for seed in (1, 1, 2))
        first, again, other = (model.sample(20, generator=seed) for seed in seeds)
        assert torch.equal(first, again) and not torch.equal(first, other)
        torch.manual_seed(3)
        first = model.sample(20)
        torch.manual_seed(3)
        assert torch.equal(first, model.sample(20))

    @pytest.mark.parametrize("training", [False, True])
    def test_measuring_and_sampling_change_no_weights(self, leaf, training):
        """Not even statistics of what was seen: a look must not decide what comes out of training."""
        model = leaf((1, 4, 4)).train(training)
        x = example(model.double())
        before = {key: value.clone() for key, value in model.state_dict().items()}
        for verb in sorted((VERBS - {"decode"}) & set(dir(model))):
            getattr(model, verb)(x)
        model.sample(3)
        if isinstance(model, Flow):
            model.decode(x)
        if isinstance(model, Direct):
            model.discriminate(x)
        assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())

    def test_a_batch_is_its_examples_one_by_one(self, leaf):
        model = build(leaf)
        x = example(model)
        for verb in {"log_prob", "conditionals", "free_energy"} & set(dir(model)):
            whole = getattr(model, verb)(x)
            single = torch.cat([getattr(model, verb)(one[None]) for one in x])
            torch.testing.assert_close(whole, single, rtol=0, atol=1e-10)

    def test_it_speaks_only_the_verbs_of_its_branch(self, leaf):
        granted = {verb for node in leaf.__mro__ if node is not leaf for verb in VERBS & set(vars(node))}
        assert VERBS & set(dir(leaf)) == granted
        assert issubclass(leaf, ImplicitDensity) == (leaf.density == "none")
        assert leaf.latent in (True, False)

    def test_weights_survive_a_state_dict_and_inputs_are_left_alone(self, leaf):
        model = build(leaf)
        twin = leaf(model.event_shape).double().eval()
        twin.load_state_dict(model.state_dict())
        x = example(model)
        before = x.clone()
        if isinstance(model, TractableDensity):
            torch.testing.assert_close(model.log_prob(x), twin.log_prob(x))
        assert torch.equal(x, before)
        samples = [m.sample(9, generator=torch.Generator().manual_seed(0)) for m in (model, twin)]
        assert torch.equal(*samples)

    def test_bad_input_is_one_value_error_that_names_the_model(self, leaf):
        model = build(leaf)
        good = example(model)
        bad = [None, good.numpy(), good[0], good[:0], good[..., :2], good.float(), good.long()]
        bad += [good.to("meta"), good * nan, good - 2]
        bad += [good + 0.5 if model.support == "binary" else good * inf]
        verbs = [model.check] + ([model.loss] if hasattr(model, "loss") else [])
        verbs += [getattr(model, verb) for verb in VERBS - {"decode"} if hasattr(model, verb)]
        for verb in verbs:
            for x in bad:
                with pytest.raises(ValueError, match=leaf.__name__):
                    verb(x)
        for shape in (3, (), (1, 0, 3), (1, 3.0, 3), (True, 3, 3), "133", None):
            with pytest.raises(ValueError, match=leaf.__name__):
                leaf(shape)
        for n in (0, -1, 1.5, "3", None, True):
            with pytest.raises(ValueError, match=leaf.__name__):
                model.sample(n)
        for generator in (0, "seed", True, torch.Generator):
            with pytest.raises(ValueError, match=leaf.__name__):
                model.sample(2, generator=generator)
        warm = "temperature" in inspect.signature(model.sample).parameters
        for temperature in (0, -1, nan, "hot", None) if warm else ():
            with pytest.raises(ValueError, match=f"{leaf.__name__}.sample: temperature"):
                model.sample(2, temperature=temperature)

    @pytest.mark.slow
    @pytest.mark.parametrize("shape", [(1, 28, 28), (2, 4, 8)], ids=str)
    def test_a_step_of_training_at_other_sizes(self, leaf, shape):
        torch.manual_seed(0)
        model = leaf(shape)
        x = example(model).float()
        for loss in ("discriminator_loss", "generator_loss") if isinstance(model, Direct) else ("loss",):
            getattr(model, loss)(x).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
        few = {"steps": 2} if isinstance(model, MarkovChain) else {}
        assert model.check(model.sample(2, **few)).shape == (2, *shape)

    def test_docstring_gives_formula_paper_and_an_example(self, leaf):
        text = inspect.getdoc(leaf)
        for part in ("Args:", "Shapes:", "Raises:", ">>>", "nats"):
            assert part in text
        assert leaf.about and leaf.title != leaf.__mro__[1].title


@pytest.mark.parametrize("leaf", leaves_of(ExplicitDensity))
def test_the_loss_is_finite_and_reaches_every_parameter(leaf):
    model = build(leaf)
    loss = model.loss(example(model, 16))
    assert loss.dim() == 0 and loss.isfinite()
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.slow
@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if not issubclass(leaf, Direct)])
def test_fit_lowers_what_is_held_out(leaf):
    u, stream = bars_and_stripes(4), torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = leaf((1, 4, 4))
    x = u.sample(1200, generator=stream)
    train, test = (x if model.support == "binary" else 0.2 + 0.6 * x).split(800)
    measure = getattr(model, "held_out", model.loss)
    with torch.no_grad():
        before = measure(test)
    fit(model, train, valid=test, epochs=3, progress=False, device="cpu")
    assert measure(test) < before - 0.1


@pytest.mark.parametrize("leaf", [leaf for leaf in leaves_of(Autoregressive) if leaf.support == "binary"])
class TestCompletion:
    def test_all_or_nothing_known(self, leaf):
        model = build(leaf)
        x = example(model)
        assert torch.equal(model.complete(x, torch.ones(1, 3, 3, dtype=torch.bool)), x)
        seeds = [torch.Generator().manual_seed(5) for _ in range(2)]
        fresh = model.complete(x, torch.zeros(1, 3, 3, dtype=torch.bool), generator=seeds[0])
        assert torch.equal(fresh, model.sample(len(x), generator=seeds[1]))

    def test_bad_masks_are_named(self, leaf):
        model = build(leaf)
        late = torch.zeros(9, dtype=torch.bool)
        late[model.order[-1]] = True
        for known in (late.view(1, 3, 3), torch.ones(1, 3, 3), torch.ones(3, 3, dtype=torch.bool), None):
            with pytest.raises(ValueError, match=f"{leaf.__name__}.complete"):
                model.complete(example(model), known)

"""Glow's own steps against dense linear algebra, its classes against Bayes, its start against the data."""

import pytest
import torch
from pixels import numbers, pushed

from course_utils.models import Glow
from course_utils.models.couplings import AffineCoupling
from course_utils.models.glow import ActNorm, InvertibleConv
from course_utils.training import fit


@pytest.mark.parametrize("channels", [1, 5])
def test_the_convolution_is_its_matrix_at_every_pixel(channels):
    """B9: h·w·Σ log |s| is h·w·log |det W|, and two triangular systems undo W."""
    conv = pushed(InvertibleConv(channels))
    x = numbers(3, channels, 2, 4)
    z, log_det = conv(x)
    W = conv.weight
    for i in range(2):
        for j in range(4):
            torch.testing.assert_close(z[:, :, i, j], x[:, :, i, j] @ W.T, rtol=0, atol=1e-12)
    assert (log_det - 8 * torch.linalg.slogdet(W).logabsdet).abs().max() < 1e-10
    assert (conv.inverse(z) - x).abs().max() < 1e-10
    assert log_det.abs().min() > 1e-3 and log_det.shape == (3,)


def test_the_convolution_starts_as_a_rotation_and_keeps_its_permutation():
    torch.manual_seed(1)
    conv = InvertibleConv(6)
    assert (conv.weight @ conv.weight.T - torch.eye(6)).abs().max() < 1e-5
    assert conv(torch.ones(1, 6, 2, 2))[1].abs().item() < 1e-5
    assert torch.equal(conv.P.sum(0), torch.ones(6)) and torch.equal(conv.P @ conv.P.T, torch.eye(6))
    assert not torch.equal(conv.P, torch.eye(6)) and "P" in conv.state_dict() and not conv.P.requires_grad


def test_actnorm_starts_when_asked_and_counts_every_pixel():
    norm, x = ActNorm(3).double().train(), 5 + 3 * numbers(40, 3, 2, 5)
    assert torch.equal(norm(x)[0], x) and not norm(x)[1].any() and not norm.started
    norm.start(x)
    z, log_det = norm(x)
    assert z.mean((0, 2, 3)).abs().max() < 1e-12 and (z.var((0, 2, 3), correction=0) - 1).abs().max() < 1e-10
    torch.testing.assert_close(log_det, (-10 * x.std((0, 2, 3), correction=0).log().sum()).expand(40))
    assert norm.started and (norm.inverse(z) - x).abs().max() < 1e-12


def test_glow_starts_layer_by_layer_and_only_once():
    """After the start each actnorm hands on mean 0 and variance 1, each after those before it."""
    torch.manual_seed(0)
    model, x = Glow((2, 4, 8), hidden=8).double(), torch.rand(60, 2, 4, 8, dtype=torch.double)
    model.initialise(x)
    norms, seen = [m for m in model.modules() if isinstance(m, ActNorm)], []
    for norm in norms:
        norm.register_forward_hook(lambda norm, given, out: seen.append(out[0]))
    model.log_prob(x)
    assert len(seen) == len(norms) == 8 and all(norm.started for norm in norms)
    for z in seen:
        assert z.mean((0, 2, 3)).abs().max() < 1e-9
        assert (z.var((0, 2, 3), correction=0) - 1).abs().max() < 1e-9
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.initialise(x.square())
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_the_start_of_actnorm_travels_with_the_weights():
    torch.manual_seed(0)
    model, twin = Glow((1, 4, 4), hidden=8), Glow((1, 4, 4), hidden=8)
    x = torch.rand(50, 1, 4, 4)
    model.initialise(x)
    twin.load_state_dict(model.state_dict())
    twin.initialise(x.square())
    torch.testing.assert_close(twin.log_prob(x), model.log_prob(x))


def black_channel(x):
    x[:, 1] = 0
    return x


@pytest.mark.parametrize(
    ("shape", "of"),
    [
        ((3, 8, 8), black_channel),
        ((3, 8, 8), torch.zeros_like),
        ((3, 8, 8), torch.ones_like),
        ((3, 8, 8), lambda x: x[:1]),
        ((1, 2, 4), lambda x: x[:1]),
        ((2,), lambda x: x[:1]),
        ((2,), torch.ones_like),
        ((2,), lambda x: 1000 + x),
    ],
)
def test_constant_channels_are_no_reason_to_diverge(shape, of):
    """Without spread there is no scale to start from: it stays 1, and others are as before."""
    torch.manual_seed(0)
    model = Glow(shape, hidden=8, scales=1, steps=2)
    x = of(torch.rand(100, *shape))
    untrained = -model.log_prob(x).mean()
    model.initialise(x)
    started = -model.log_prob(x).mean()
    assert started.isfinite() and started < untrained + 1
    history = fit(model, x, valid=x, epochs=3, batch_size=20, progress=False, device="cpu")
    assert history.valid[-1] <= started and (model.decode(model.encode(x)[0]) - x).abs().max() < 1e-2


def test_looking_at_an_untrained_glow_does_not_start_it():
    torch.manual_seed(0)
    x = 3 * torch.randn(400, 2)
    looked, twin = Glow((2,), hidden=8), Glow((2,), hidden=8)
    twin.load_state_dict(looked.state_dict())
    looked.train().log_prob(x[:1])
    losses = [fit(model, x, epochs=2, progress=False, device="cpu").valid for model in (looked.train(), twin)]
    assert losses[0] == losses[1] and losses[0][-1] < 6


def test_couplings_start_as_the_identity():
    for net in ("dense", "conv"):
        model = Glow((1, 4, 4), hidden=8, net=net)
        couplings = [module for module in model.modules() if isinstance(module, AffineCoupling)]
        assert len(couplings) == 4 + 1 + 4  # one more is the learned prior of what is factored out
        for coupling in couplings:
            x = torch.randn(2, *coupling.mask.shape)
            assert torch.equal(coupling(x)[0], x)


def test_temperature_scales_the_noise_of_the_prior():
    for settings, condition in (({}, {}), ({"classes": 2}, {"y": torch.tensor([0, 1]).repeat(25)})):
        model = pushed(Glow((2,), hidden=8, **settings))
        z = []
        for t in (1.0, 0.5, 1e-6):
            seed = torch.Generator().manual_seed(0)
            z.append(model.encode(model.sample(50, temperature=t, generator=seed, **condition))[0])
        middle = model.prior.mean[condition["y"]] if condition else torch.zeros(50, 2).double()
        torch.testing.assert_close(z[1] - middle, 0.5 * (z[0] - middle), rtol=0, atol=1e-9)
        torch.testing.assert_close(z[2], middle, rtol=0, atol=1e-4)


def test_the_prior_of_a_class_is_its_normal():
    model = pushed(Glow((2,), hidden=8, classes=3), 0.4)
    x, y = numbers(7, 2), torch.tensor([0, 1, 2, 0, 1, 2, 2])
    by_class = model.class_log_probs(x)
    torch.testing.assert_close(model.log_prob(x, y), by_class[torch.arange(7), y], rtol=0, atol=1e-12)
    z, log_det = model.encode(x)
    for k in range(3):
        normal = torch.distributions.Normal(model.prior.mean[k], model.prior.log_std[k].exp())
        torch.testing.assert_close(by_class[:, k], normal.log_prob(z).sum(1) + log_det, rtol=0, atol=1e-10)
    with pytest.raises(ValueError, match="Glow.class_log_probs"):
        Glow((2,), hidden=4).class_log_probs(torch.zeros(2, 2))


def test_samples_of_a_class_follow_that_class():
    model = pushed(Glow((2,), hidden=8, classes=2), 0.4)
    for y in (0, 1):
        x = model.sample(20_000, y=torch.full((20_000,), y), generator=torch.Generator().manual_seed(0))
        z = (model.encode(x)[0] - model.prior.mean[y]) / model.prior.log_std[y].exp()
        assert z.mean(0).abs().max() < 0.05 and (z.std(0) - 1).abs().max() < 0.03
    mixed = model.sample(20_000, generator=torch.Generator().manual_seed(0))
    share = model.class_log_probs(mixed).softmax(1).mean(0)
    assert (share - 0.5).abs().max() < 0.02

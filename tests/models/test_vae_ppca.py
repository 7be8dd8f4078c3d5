"""B12: a VAE whose networks are linear is probabilistic PCA (Tipping & Bishop 1999), in closed form.

x = W z + m + σ ε has p(x) = N(m, W Wᵀ + σ² I). With S the covariance of the data, its likelihood is
greatest at σ² = the mean of the eigenvalues left out, W = U (Λ − σ² I)^½, m = the mean of the data.
"""

import pytest
import torch
from torch.distributions import MultivariateNormal

from course_utils.models import VAE

DIMS, LATENT, N, STEPS = 6, 2, 400, 1000


def data() -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    W = torch.randn(DIMS, LATENT, generator=stream).double() * torch.tensor([2.0, 1.0]).double()
    noise = 0.4 * torch.randn(N, DIMS, generator=stream).double()
    return torch.randn(N, LATENT, generator=stream).double() @ W.T + noise + torch.arange(DIMS)


def principal(x: torch.Tensor, scale: float | None = None) -> tuple[torch.Tensor, ...]:
    """W, σ² and m of greatest likelihood, or of greatest likelihood for this σ."""
    values, vectors = torch.linalg.eigh(torch.cov(x.T, correction=0))
    variance = values[:-LATENT].mean() if scale is None else torch.tensor(scale).double() ** 2
    return vectors[:, -LATENT:] * (values[-LATENT:] - variance).sqrt(), variance, x.mean(0)


def log_p(x: torch.Tensor, W: torch.Tensor, variance: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    return MultivariateNormal(m, W @ W.T + variance * torch.eye(DIMS).double()).log_prob(x)


def linear_vae(**kinds) -> VAE:
    torch.manual_seed(0)
    return VAE((DIMS,), latent=LATENT, hidden=(), decoder="gaussian", **kinds).double()


def at_the_optimum(x: torch.Tensor) -> VAE:
    """The VAE with the decoder of PPCA, and the encoder p(z | x) = N(M⁻¹Wᵀ(x − m), σ²M⁻¹)."""
    model, (W, variance, m) = linear_vae(), principal(x)
    M = W.T @ W + variance * torch.eye(LATENT).double()  # diagonal, as the columns of W are orthogonal
    encode = torch.linalg.solve(M, W.T)
    with torch.no_grad():
        decoder, encoder = model.decoder.layers[0], model.encoder.layers[0]
        decoder.weight.copy_(W)
        decoder.bias.copy_(m)
        model.log_scale.fill_(0.5 * variance.log().item())
        encoder.weight.copy_(torch.cat([encode, torch.zeros_like(encode)]))
        encoder.bias.copy_(torch.cat([-encode @ m, (variance / M.diagonal()).log()]))
    return model


def test_at_the_optimum_every_weight_is_p():
    """q is the posterior there: log p(x, z) − log q(z | x) = log p(x) for *every* z, so L_k = log p(x)."""
    x = data()
    model, truth = at_the_optimum(x), log_p(x, *principal(x))
    for k in (1, 2, 50):
        bound = model.importance_weighted_bound(x, k)
        torch.testing.assert_close(bound, truth, rtol=0, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [None, 1.0])
def test_training_finds_the_principal_subspace(scale):
    """From random weights the shipped loss falls to −log p of PPCA; W spans what PCA spans, in its axes."""
    x = data()
    W, variance, m = principal(x, scale)
    model = linear_vae(scale=scale)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        optimiser.zero_grad()
        model.loss(x).backward()
        optimiser.step()
        schedule.step()
    best = log_p(x, W, variance, m).mean()
    with torch.no_grad():
        elbo = torch.stack([model.elbo(x).mean() for _ in range(200)]).mean()
    assert best - 0.1 < elbo < best + 0.02
    assert model.log_scale.exp().item() == pytest.approx(variance.sqrt().item(), rel=0.03)
    learned = model.decoder.layers[0].weight.detach()
    spans = [torch.linalg.qr(basis).Q for basis in (learned, W)]
    assert torch.linalg.svdvals(spans[0].T @ spans[1]).min() > 0.999
    axes = learned / learned.norm(dim=0)
    assert abs(axes[:, 0] @ axes[:, 1]) < 0.05  # a diagonal q wants orthogonal columns
    lengths = [columns.norm(dim=0).sort().values for columns in (learned, W)]
    torch.testing.assert_close(*lengths, rtol=0.1, atol=0)

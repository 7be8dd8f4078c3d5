"""The gradient of the ELBO in the parameters of q, through the draw of z, against quadrature."""

import pytest
import torch
from quadrature import near, nodes, random_vae

from course_utils.models.distributions import Gaussian
from course_utils.universe import all_images

DRAWS = 20_000
X = all_images(3, 3).double()[[341]]


def parameters_of_q(model, n: int) -> torch.Tensor:
    """μ and log σ² of q(z | x) as leaves of their own in n rows, so that every draw has its own gradient."""
    return torch.cat(list(model.encode(X)), 1).detach().expand(n, 2).clone().requires_grad_()


def exact_gradient(model) -> torch.Tensor:
    """The gradient of E_q[log p(x | z)] − KL(q‖p(z)) in μ and log σ², the expectation by quadrature."""
    e, log_weight = nodes(1, 100)
    q = parameters_of_q(model, 1)
    z = q[:, :1] + (q[:, 1:] / 2).exp() * e
    fit = model.decode(z).log_prob(X.expand(len(z), -1, -1, -1))
    bound = (log_weight.exp() * fit).sum() - Gaussian(q[:, :1], q[:, 1:]).kl_from_standard().sum()
    return torch.autograd.grad(bound, q)[0][0]


def reparameterised(model, monkeypatch) -> torch.Tensor:
    """The gradients of the shipped ``elbo``, ``(DRAWS, 2)``."""
    q = parameters_of_q(model, DRAWS)
    monkeypatch.setattr(model, "_encode", lambda x, y: Gaussian(q[:, :1], q[:, 1:]))
    bound = model.elbo(X.expand(DRAWS, -1, -1, -1), generator=torch.Generator().manual_seed(0))
    return torch.autograd.grad(bound.sum(), q)[0]


@pytest.mark.parametrize("seed", range(3))
def test_the_reparameterised_gradient_is_unbiased(seed, monkeypatch):
    model = random_vae(seed=seed)
    truth = exact_gradient(model)
    assert truth.abs().min() > 0.01 and near(reparameterised(model, monkeypatch), truth)


def test_a_sample_moves_with_the_parameters_of_its_law():
    """∂z/∂μ = 1 and ∂z/∂σ = ε, and the noise is of the generator that was given."""
    mean, log_variance = torch.zeros(2, 5, 3).double().requires_grad_()
    z = Gaussian(mean, log_variance).sample(torch.Generator().manual_seed(3))
    e = torch.empty(5, 3).double().normal_(generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(z, e)
    by_mean, by_log = torch.autograd.grad(z.sum(), [mean, log_variance])
    torch.testing.assert_close(by_mean, torch.ones(5, 3).double())
    torch.testing.assert_close(by_log, e / 2)

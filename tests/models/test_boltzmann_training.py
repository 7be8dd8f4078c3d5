"""Training a Boltzmann machine: both phases of its gradient against brute force, its persistent chains."""

import pytest
import torch
from small_machines import STATES, chi_square, exact_step, law, machine

from course_utils.models import BoltzmannMachine
from course_utils.training import fit
from course_utils.universe import bars_and_stripes


def slopes(model):
    """∂F/∂θ of every image: ``(512, parameters)``."""
    parameters = [p for _, p in sorted(model.named_parameters())]
    whole = torch.autograd.grad(
        model.free_energy(STATES), parameters, torch.eye(512).double(), is_grads_batched=True
    )
    return torch.cat([g.flatten(1) for g in whole], 1)


def gradient(model, x):
    """The gradient of the shipped loss."""
    model.zero_grad()
    model.loss(x).backward()
    return torch.cat([p.grad.flatten() for _, p in sorted(model.named_parameters())])


def data_law():
    """Eight images, each as likely: far from the machine's own law."""
    rows = torch.tensor([0, 7, 56, 63, 448, 455, 504, 511])
    return rows, torch.zeros(512).double().index_fill(0, rows, 1 / 8)


@pytest.mark.parametrize("kind", [{}, {"connections": "full"}])
def test_contrastive_divergence_is_biased_by_as_much_as_the_chain_is_short(kind):
    """B13: the expected gradient of CD-k is E_D ∂F − E_{D Tᵏ} ∂F; the shipped loss has it."""
    rows, p_data = data_law()
    model, biases = machine(gradient="CD", **kind), []
    dF, T = slopes(model), exact_step(model)
    exact = p_data @ dF - law(model) @ dF
    for model.k in (1, 2, 5, 50):
        k, after = model.k, p_data @ torch.linalg.matrix_power(T, model.k)
        expected = p_data @ dF - after @ dF
        biases.append((expected - exact).norm().item() / exact.norm().item())
        if k > 2:
            continue
        n = 32_000
        torch.manual_seed(0)
        found = gradient(model, STATES[rows].repeat(n // 8, 1, 1, 1))
        spread = ((after @ dF.square() - (after @ dF).square()).clamp_min(1e-12) / n).sqrt()
        assert ((found - expected) / spread).abs().max() < 4.5
        assert ((found - exact) / spread).abs().max() > 15  # the bias is seen, not noise
    assert biases[0] > 0.05 and biases == sorted(biases, reverse=True) and biases[-1] < biases[0] / 10


def test_the_exact_gradient_is_that_of_the_mean_log_likelihood():
    for kind in ({}, {"connections": "full"}, {"hidden": 10}):
        model = machine(gradient="exact", **kind)
        rows, p_data = data_law()
        x, dF = STATES[rows], slopes(model)
        found = gradient(model, x)
        torch.testing.assert_close(found, p_data @ dF - law(model) @ dF, rtol=0, atol=1e-9)
        due = -(p_data[rows] * law(model)[rows].log()).sum()
        assert abs(model.loss(x) - due) < 1e-9 and abs(model.held_out(x) - due) < 1e-9


def test_persistent_chains_go_on_where_they_were_and_only_in_training():
    model = machine(gradient="PCD", k=2, chains=30_000)
    model.fantasies.copy_(STATES[170].expand(30_000, -1, -1, -1))
    before, T = model.fantasies.clone(), exact_step(model)
    x = STATES[data_law()[0]]
    model.eval().loss(x)
    assert torch.equal(model.fantasies, before)
    torch.manual_seed(0)
    for updates in (1, 2):
        model.train().loss(x)
        assert chi_square(model.fantasies, torch.linalg.matrix_power(T, 2 * updates)[170]) > 1e-4
    assert chi_square(model.fantasies, torch.linalg.matrix_power(T, 2)[170]) < 1e-6


def test_persistent_chains_at_the_law_of_the_model_give_the_exact_gradient():
    model = machine(gradient="PCD", k=1, chains=30_000)
    p, dF, (rows, p_data) = law(model), slopes(model), data_law()
    torch.manual_seed(0)
    model.fantasies.copy_(STATES[torch.multinomial(p, 30_000, replacement=True)])
    found = gradient(model.train(), STATES[rows])
    spread = ((p @ dF.square() - (p @ dF).square()).clamp_min(1e-12) / 30_000).sqrt()
    assert ((found - (p_data @ dF - p @ dF)) / spread).abs().max() < 4.5


@pytest.mark.parametrize("kind", [{"gradient": "CD"}, {"gradient": "PCD"}, {"gradient": "exact"}])
def test_training_brings_it_to_bars_and_stripes(kind):
    u = bars_and_stripes(2)
    x = u.sample(2000, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = BoltzmannMachine((1, 2, 2), hidden=6, **kind)
    how = dict(epochs=60, lr=0.1, batch_size=200, weight_decay=0.0)
    fit(model, x, **how, progress=False, device="cpu")
    with torch.no_grad():
        log_p = -model.free_energy(u.states).double() - model.log_partition()
    assert (u.log_p.exp() * (u.log_p - log_p)).sum() < 0.1


def test_a_resumed_run_has_the_same_chains_and_weights(tmp_path):
    def train(model, **more):
        x = bars_and_stripes(3).sample(400, generator=torch.Generator().manual_seed(0))
        return fit(model, x, valid=x, epochs=4, progress=False, device="cpu", batch_size=50, **more)

    def build():
        torch.manual_seed(0)
        model = BoltzmannMachine((1, 3, 3), hidden=3, gradient="PCD", chains=30, k=1)
        model.W.data.mul_(20)  # else chains with the same random numbers soon meet, wherever they start
        return model

    def die(epoch, model):
        if epoch == 2:
            raise ZeroDivisionError

    whole, parted, file = build(), build(), tmp_path / "run.pt"
    start = whole.fantasies.clone()
    assert train(whole).best_epoch == 4  # so that the last weights are compared
    with pytest.raises(ZeroDivisionError):
        train(parted, checkpoint=file, checkpoint_every=0.0, on_epoch=die)
    train(parted := build(), checkpoint=file)
    assert not torch.equal(whole.fantasies, start)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parted.state_dict()[name]), name

"""Answers to the exercises of notebook 15."""

from wrong_answers import Answers


def slopes(f, t, z, h):
    k1 = f(t, z)
    k2 = f(t + h / 2, z + h / 2 * k1)
    k3 = f(t + h / 2, z + h / 2 * k2)
    return k1, k2, k3, f(t + h, z + h * k3)


def one_slope_twice(f, t, z, h):
    k1 = f(t, z)
    k2 = f(t + h / 2, z + h / 2 * k1)
    k4 = f(t + h, z + h * k2)
    return z + h / 6 * (k1 + 4 * k2 + k4)


def right_step(f, t, z, h):
    k1, k2, k3, k4 = slopes(f, t, z, h)
    return z + h * ((k1 + k4) / 6 + (k2 + k3) / 3)


ANSWERS = {
    "rk4_step": Answers(
        wrong=(
            lambda f, t, z, h: z + h * f(t, z),
            lambda f, t, z, h: right_step(f, t, z, abs(h)),
            one_slope_twice,
        ),
        right=(right_step,),
    ),
    "trace_estimates": Answers(
        wrong=(
            lambda A, noise: A.trace().expand(len(noise)),
            lambda A, noise: (noise @ A).sum(1),
            lambda A, noise: ((noise @ A) * noise).sum(),
        ),
        right=(lambda A, noise: (noise @ A @ noise.T).diagonal(),),
    ),
    "next_log_p": Answers(
        wrong=(
            lambda log_p, trace, h: log_p + h * trace,
            lambda log_p, trace, h: log_p - trace,
            lambda log_p, trace, h: log_p * (1 - h * trace),
        ),
        right=(lambda log_p, trace, h: log_p.sub(trace, alpha=h),),
    ),
}

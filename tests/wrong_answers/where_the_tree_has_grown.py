"""Answers to the exercises of notebook 20."""

from wrong_answers import Answers

ANSWERS = {
    "point_and_velocity": Answers(
        wrong=(
            lambda x0, x1, t: (t * x0 + (1 - t) * x1, x1 - x0),
            lambda x0, x1, t: ((1 - t) * x0 + t * x1, x0 - x1),
            lambda x0, x1, t: ((1 - t) * x0 + t * x1, (1 - t) * (x1 - x0)),
        ),
        right=(lambda x0, x1, t: (x0 + t * (x1 - x0), x1 - x0),),
    ),
    "score": Answers(
        wrong=(
            lambda z, guess, alpha, sigma: (z - alpha * guess) / sigma**2,
            lambda z, guess, alpha, sigma: (guess - z) / sigma**2,
            lambda z, guess, alpha, sigma: (alpha * guess - z) / sigma,
        ),
        right=(lambda z, guess, alpha, sigma: -((z - alpha * guess) / sigma) / sigma,),
    ),
}

"""How surprising a count is: the upper tail of the negative binomial distribution, which is a Gamma-mixed Poisson."""

from math import exp, inf, lgamma, log, log1p
from typing import Final

_LN_10: Final = log(10)
_ENOUGH: Final = 1e-12
"""The fraction is done when a step changes it by less; it takes about as many steps as the square root of the count."""
_TINY: Final = 1e-300
"""Stands for zero where the fraction would divide by it."""


def surprise(count: int, mean: float, shape: float) -> float:
    """
    Return -log10 P(X >= count), 0 or more, where X has this mean and the variance mean + mean² / shape.

    X is a Poisson count whose rate is not known for sure, but Gamma distributed with that shape; an infinite shape is
    a plain Poisson count. `mean` and `shape` are above 0. 3 is once in a thousand such windows.
    For plain Poisson counts it is the «Poisson surprise» of Legéndy and Salcman (Journal of Neurophysiology 53, 1985);
    to allow for overdispersion is Farrington et al. (Journal of the Royal Statistical Society A 159, 1996).
    """
    if count <= 0:
        return 0.0
    if shape == inf:
        # As good as infinite: the difference is far below what is shown.
        shape = max(1e9, 1e6 * mean)
    # P(X >= n) = I_x(n, shape) with x = mean / (mean + shape): NIST DLMF 8.17.5, in the limit of all n.
    return max(0.0, -_log_incomplete_beta(float(count), shape, mean / (mean + shape)) / _LN_10)


def _log_incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the natural logarithm of the regularised incomplete beta function I_x(a, b)."""
    y = 1 - x
    ends = a * log(x) + b * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)
    # The fraction converges quickly on this side of the mean only; the other one is its complement.
    if x < (a + 1) / (a + b + 2):
        return ends - log(a) + log(_fraction(a, b, x))
    return log1p(-min(1.0, exp(ends - log(b)) * _fraction(b, a, y))) if y > 0 else 0.0


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of DLMF 8.17.22, inverted, by the modified method of Lentz."""
    c, d = 1.0, 1 / _no_zero(1 - (a + b) * x / (a + 1))
    result, factor, step = d, 0.0, 0
    while abs(factor - 1) > _ENOUGH:
        step += 1
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        d = 1 / _no_zero(1 + even * d)
        c = _no_zero(1 + even / c)
        result *= c * d
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        d = 1 / _no_zero(1 + odd * d)
        c = _no_zero(1 + odd / c)
        factor = c * d
        result *= factor
    return result


def _no_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY

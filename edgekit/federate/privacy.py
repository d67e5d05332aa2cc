"""What noise is worth. Of whole clients, by Flower's own: each update is cut to a length, the mean is noised,
and an accountant adds up what all rounds gave away (McMahan et al., 2018; Mironov, "Rényi differential
privacy", 2017).

It is of the updates. The sums and counts before the first round are told without noise. What hides single
windows is in `private_network`; its accountant is here.
"""

from __future__ import annotations

from edgekit.core.extras import missing
from edgekit.federate.flower import strategy
from edgekit.federate.plan import Plan

DELTA = 1e-5  # the chance that the promise is broken
ORDERS = range(2, 257)  # of Rényi's divergence: whole ones are exact for drawn windows


def with_noise(inner: strategy.Strategy, plan: Plan, clients: int) -> strategy.Strategy:
    """The plan's strategy `inner` over so many `clients`, all of them in each round, with its noise.

    Raises EdgekitError where what counts the privacy is not installed.
    """
    try:
        from flwr.supercore.privacy_accounting import (
            NeighboringRelation,
            PrivacyConfig,
            SamplingMethod,
        )
        from flwr.supercore.privacy_accounting.rdp_accountant import RdpAccountant

        config = PrivacyConfig(
            target_delta=DELTA, population_size=clients,
            neighboring_relation=NeighboringRelation.ADD_OR_REMOVE_ONE,
            sampling_method=SamplingMethod.NO_AMPLIFICATION,
        )  # fmt: skip
        accountant = RdpAccountant(config)
    except ImportError:
        raise missing("differential privacy needs", "dp_accounting") from None
    return strategy.DifferentialPrivacyServerSideFixedClipping(
        inner, plan.noise, plan.clip, clients, accountant=accountant
    )


def window_epsilon(noise: float, share: float, steps: int) -> float:
    """What `steps` of DP-SGD give away about one window, at DELTA, by Rényi's divergence at whole orders.

    noise: of the sum of a step's gradients, in multiples of the length that each is cut to; share: the chance
    of a window to be in a step. Raises EdgekitError where what counts it is not installed.
    """
    try:
        from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
        from dp_accounting.rdp import RdpAccountant
    except ImportError:
        raise missing("differential privacy needs", "dp_accounting") from None
    accountant = RdpAccountant(orders=list(ORDERS))
    accountant.compose(PoissonSampledDpEvent(share, GaussianDpEvent(noise)), steps)
    return float(accountant.get_epsilon(DELTA))


def epsilon(of: strategy.Strategy) -> float | None:
    """What a strategy's rounds have given away so far, at DELTA; None of one without noise."""
    if not isinstance(of, strategy.DifferentialPrivacyServerSideFixedClipping):
        return None
    spent = of.privacy_spent()
    return None if spent is None else spent.epsilon

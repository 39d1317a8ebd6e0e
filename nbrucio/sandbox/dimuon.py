"""Muon pairs as a detector at a proton collider records them: resonances on a falling continuum.

The events are simulated. Masses and widths are those of the Review of Particle Physics; yields and resolution are
chosen so that each peak is visible in 400,000 events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

MUON_MASS_GEV = 0.1056583755

Floats: TypeAlias = NDArray[np.float64]
Events: TypeAlias = dict[str, NDArray[np.float32 | np.int32]]


@dataclass(frozen=True)
class Resonance:
    """A peak: mass and natural width in GeV, and its share of all pairs."""

    name: str
    mass_gev: float
    width_gev: float
    share: float


RESONANCES = (
    Resonance("eta", 0.547862, 0.0, 0.020),
    Resonance("rho", 0.77526, 0.1491, 0.022),
    Resonance("omega", 0.78266, 0.00868, 0.022),
    Resonance("phi", 1.019461, 0.00425, 0.040),
    Resonance("J/psi", 3.0969, 0.0, 0.150),
    Resonance("psi(2S)", 3.6861, 0.0, 0.014),
    Resonance("Upsilon(1S)", 9.4604, 0.0, 0.040),
    Resonance("Upsilon(2S)", 10.0234, 0.0, 0.016),
    Resonance("Upsilon(3S)", 10.3551, 0.0, 0.012),
    Resonance("Z", 91.188, 2.4955, 0.050),
)

_RESOLUTION = 0.008  # relative to the mass
_CONTINUUM_GEV = (0.25, 150.0)
_CONTINUUM_SLOPE = -1.6  # exponent of the power law for the number of pairs per GeV
_MIN_PT_GEV = 1.0
_MAX_ABS_ETA = 2.4
_SAME_SIGN_SHARE = 0.15  # share of the continuum: random pairs, which a selection of opposite charges removes


def make_events(count: int, seed: int) -> Events:
    """Return ``count`` pairs as a flat array per quantity of each muon, reproducible by ``seed``.

    Keys are ``mu1_pt``, ``mu1_eta``, ``mu1_phi``, ``mu1_charge`` and the same for ``mu2``; transverse momenta in GeV,
    angles in radians, float32; charges int32. The first muon has the larger transverse momentum.
    """
    rng = np.random.default_rng(seed)
    batches: list[Events] = []
    while (missing := count - sum(batch["mu1_pt"].size for batch in batches)) > 0:
        batches.append(_accepted(_pairs(rng, 2 * missing)))
    return {key: np.concatenate([batch[key] for batch in batches])[:count] for key in batches[0]}


def _pairs(rng: np.random.Generator, count: int) -> Events:
    mass, same_sign = _masses(rng, count)
    momenta = _decay(rng, mass, *_pair_momenta(rng, mass))
    charge = rng.choice([-1, 1], count)
    charges = (charge, np.where(same_sign, charge, -charge))
    swap = np.hypot(*momenta[1][:2]) > np.hypot(*momenta[0][:2])
    events: Events = {}
    for index, name in enumerate(("mu1", "mu2")):
        px, py, pz = (np.where(swap, b, a) for a, b in zip(momenta[index], momenta[1 - index], strict=True))
        pt = np.hypot(px, py)
        events[f"{name}_pt"] = pt.astype(np.float32)
        events[f"{name}_eta"] = np.arcsinh(pz / pt).astype(np.float32)
        events[f"{name}_phi"] = np.arctan2(py, px).astype(np.float32)
        events[f"{name}_charge"] = np.where(swap, charges[1 - index], charges[index]).astype(np.int32)
    return events


def _accepted(events: Events) -> Events:
    """Return the pairs with both muons in the detector's acceptance."""
    central = [np.abs(events[key]) < _MAX_ABS_ETA for key in ("mu1_eta", "mu2_eta")]
    accepted = central[0] & central[1] & (events["mu2_pt"] > _MIN_PT_GEV)
    return {key: values[accepted] for key, values in events.items()}


def _masses(rng: np.random.Generator, count: int) -> tuple[Floats, NDArray[np.bool_]]:
    shares = [resonance.share for resonance in RESONANCES]
    kind = rng.choice(len(shares) + 1, count, p=[*shares, 1.0 - sum(shares)])
    low, high = (edge ** (_CONTINUUM_SLOPE + 1) for edge in _CONTINUUM_GEV)
    mass = (low + rng.random(count) * (high - low)) ** (1 / (_CONTINUUM_SLOPE + 1))
    for index, resonance in enumerate(RESONANCES):
        here = kind == index
        size = int(here.sum())
        # A Breit-Wigner distribution, cut at five half widths.
        line = np.tan(rng.uniform(-1.0, 1.0, size) * np.arctan(5.0)) * resonance.width_gev / 2
        mass[here] = (resonance.mass_gev + line) * (1 + _RESOLUTION * rng.standard_normal(size))
    same_sign = (kind == len(shares)) & (rng.random(count) < _SAME_SIGN_SHARE)
    return np.maximum(mass, 2.02 * MUON_MASS_GEV), same_sign


def _pair_momenta(rng: np.random.Generator, mass: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return energy and momentum of each pair: exponential in transverse momentum, Gaussian in rapidity."""
    pt = rng.exponential(4.0 + 0.1 * mass)
    phi = rng.uniform(-np.pi, np.pi, mass.size)
    rapidity = rng.normal(0.0, 1.1, mass.size)
    transverse_mass = np.hypot(mass, pt)
    return (
        transverse_mass * np.cosh(rapidity),
        pt * np.cos(phi),
        pt * np.sin(phi),
        transverse_mass * np.sinh(rapidity),
    )


def _decay(
    rng: np.random.Generator, mass: Floats, energy: Floats, px: Floats, py: Floats, pz: Floats
) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """Return the momenta of both muons: back to back and isotropic in the pair's rest frame, then boosted."""
    size = np.sqrt(np.maximum(mass**2 / 4 - MUON_MASS_GEV**2, 0.0))
    cosine = rng.uniform(-1.0, 1.0, mass.size)
    phi = rng.uniform(-np.pi, np.pi, mass.size)
    sine = np.sqrt(1 - cosine**2)
    rest = (size * sine * np.cos(phi), size * sine * np.sin(phi), size * cosine)
    along = (rest[0] * px + rest[1] * py + rest[2] * pz) / (energy + mass)
    first = tuple(r + p * (along / mass + 0.5) for r, p in zip(rest, (px, py, pz), strict=True))
    return first, tuple(p - f for p, f in zip((px, py, pz), first, strict=True))

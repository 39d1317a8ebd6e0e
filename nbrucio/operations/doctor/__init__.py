"""`nbrucio doctor`: check everything that a sync needs, and report what is wrong with the action that mends it."""

from nbrucio.operations.doctor.run import AREAS, diagnose
from nbrucio.operations.doctor.values import Diagnosis, Finding, Verdict

__all__ = ["AREAS", "Diagnosis", "Finding", "Verdict", "diagnose"]

"""How the process is set so that neither drawing nor the database's thread holds up the traffic."""

import gc
import sys

SWITCH_INTERVAL = 0.0005
"""Seconds a thread may hold the interpreter: a tenth of Python's default."""


def hasten_start() -> None:
    """Call before much is imported: little of what is made then ever becomes garbage."""
    gc.disable()


def calm_runtime() -> None:
    """Call once, after start-up: takes what is there out of garbage collection and makes collections rare."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 100)
    sys.setswitchinterval(SWITCH_INTERVAL)

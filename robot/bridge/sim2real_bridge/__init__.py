"""The robot's side of the bridge contract: one process that owns an arm and speaks MQTT.

What belongs here: the contract's Python side and simulated domains. What does not: policies, cameras of
real rigs, anything that decides what the arm should do.
"""

__version__ = "0.1.0"


class BridgeError(Exception):
    """An error whose text speaks for itself: it names the thing, the value and the remedy, in one line."""

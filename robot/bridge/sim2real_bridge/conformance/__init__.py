"""The conformance kit: every rule of CONTRACT.md that a bridge must keep, as a named check of a running bridge.

    python -m sim2real_bridge.conformance --broker 127.0.0.1:1883 --robot NAME

What belongs here: the daemon's side of the contract as far as checks need it (probe.py), the checks (check_*.py), and
the table of them (table.py). What does not: a bridge. It needs nothing of this package but numpy and paho-mqtt, and it
MOVES THE ARM, slowly and not far: run it where that is allowed.
"""

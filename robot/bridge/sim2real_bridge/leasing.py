"""The lease on the wire: what daemons ask, and the answer that all hear.

What belongs here: messages about the lease. What does not: to whom it is granted (lease.py), when a command counts
(gate.py).
"""

import logging
from collections.abc import Callable

from . import contract
from .contract import DroppedError, Identity
from .lease import Holder, Lease
from .link import LOST, Link, Message

log = logging.getLogger(__name__)

TTL_S = 0.3  # of a grant, in real time; a daemon asks again every 100 ms


class Leasing:
    """Grants the arm's lease. Without a ttl it ends when it is given back, or its holder or the broker is gone."""

    def __init__(self, link: Link, stamp_ns: Callable[[], int], ttl_s: float | None):
        self.ttl_ms = round((ttl_s or 0.0) * 1000)
        self._link, self._stamp_ns = link, stamp_ns
        self._lease = Lease(ttl_s)

    def holds(self, epoch: str, now: float) -> bool:
        """Whether a daemon's start holds it at a time, monotonic s."""
        return self._lease.holds(epoch, now)

    def renew(self, epoch: str, now: float) -> None:
        """Counts a command as its holder's sign of life."""
        self._lease.renew(epoch, now)

    def handle(self, message: Message) -> bool:
        """Takes what is said about the lease and its holder; whether this message was that."""
        handlers = {LOST: self._on_lost, "lease": self._on_ask, "daemon/connection": self._on_presence}
        if message.topic not in handlers:
            return False
        try:
            handlers[message.topic](message)
        except DroppedError as err:
            log.info("%s dropped: %s", message.topic, err)
        return True

    def _on_lost(self, message: Message) -> None:
        """Its holder's end may not be heard of now."""
        self._lease.forget()

    def _on_ask(self, message: Message) -> None:
        before, ask = self._lease.holder(message.arrival), message.read(contract.decode_ask)
        if self._lease.ask(ask, message.arrival):
            self._say(message.arrival, before, ask.identity)

    def _on_presence(self, message: Message) -> None:
        """A retained one counts as well: it tells how a daemon's last session ended."""
        before = self._lease.holder(message.arrival)
        if self._lease.heard(contract.decode_presence(message.payload)):
            self._say(message.arrival, before)

    def _say(self, now: float, before: Holder | None, answered: Identity | None = None) -> None:
        holder = self._lease.holder(now)
        if holder != before:
            log.info("lease: %s", f"{holder.who}, epoch {holder.epoch}" if holder else "nobody's")
        fields = {"holder": holder.epoch if holder else "", "who": holder.who if holder else "", "ttl_ms": self.ttl_ms}
        fields |= {"answers": answered.message()} if answered else {}
        self._link.publish("lease/state", self._stamp_ns(), fields)

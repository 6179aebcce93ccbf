"""Who may command the arm: one daemon at a time.

What belongs here: granting, expiry, release, and whose last will counts. Time is an argument. What does not: what a
command says (contract.py), and whether it is newer than the last (gate.py).
"""

import dataclasses
from collections import OrderedDict

from .contract import Ask, Presence

_KNOWN = 64  # senders remembered, so that what they said before cannot be said again for them


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who holds the lease: the daemon's epoch, and what it calls itself."""

    epoch: str
    who: str


class Lease:
    """The lease of one arm. Without a ttl it ends only by release or by its holder's end. Not for several threads."""

    def __init__(self, ttl_s: float | None):
        self.ttl_s = ttl_s
        self._holder: Holder | None = None
        self._expires = 0.0
        self._asked: OrderedDict[str, int] = OrderedDict()  # newest seq of lease, by epoch
        self._online: OrderedDict[str, int] = OrderedDict()  # newest seq of an online, by epoch

    def ask(self, ask: Ask, now: float) -> bool:
        """Grants, renews, refuses or takes back; False for a message that is not newer than the sender's last."""
        epoch, seq = ask.identity.epoch, ask.identity.seq
        if seq <= self._asked.get(epoch, 0):
            return False
        _remember(self._asked, epoch, seq)
        if ask.want == "release":
            self._end(epoch)
        elif self.holder(now) is None or self.holds(epoch, now):
            self._holder = Holder(epoch, ask.who)
            self.renew(epoch, now)
        return True

    def holder(self, now: float) -> Holder | None:
        """Who holds it at a time, monotonic s."""
        lapsed = self.ttl_s is not None and now >= self._expires
        return None if lapsed else self._holder

    def holds(self, epoch: str, now: float) -> bool:
        """Whether a daemon's start holds it."""
        holder = self.holder(now)
        return holder is not None and holder.epoch == epoch

    def renew(self, epoch: str, now: float) -> None:
        """Counts its holder's sign of life; of anybody else's it makes nothing."""
        if self._holder is not None and self._holder.epoch == epoch and self.ttl_s is not None:
            self._expires = now + self.ttl_s

    def heard(self, presence: Presence) -> bool:
        """Takes a daemon/connection; whether it ended the lease.

        A session's last will has the seq before its online. One that is older was left by a session that its sender
        has replaced, and the sender is there.
        """
        epoch, seq = presence.identity.epoch, presence.identity.seq
        if presence.state == "online":
            _remember(self._online, epoch, max(seq, self._online.get(epoch, 0)))
            return False
        return seq >= self._online.get(epoch, 1) - 1 and self._end(epoch)

    def forget(self) -> None:
        """Ends the lease, whoever holds it: who does not hear of its holder's end cannot wait for it."""
        self._holder = None

    def _end(self, epoch: str) -> bool:
        if self._holder is None or self._holder.epoch != epoch:
            return False
        self._holder = None
        return True


def _remember(seqs: OrderedDict[str, int], epoch: str, seq: int) -> None:
    seqs[epoch] = seq
    seqs.move_to_end(epoch)
    if len(seqs) > _KNOWN:
        seqs.popitem(last=False)

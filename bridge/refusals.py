"""A lock that says no: the one place where a status becomes an exception, with a sentence for people."""

from protocol.messages.declaration import Refusal
from protocol.pin_rules import sentence
from protocol.vocabulary import Status

from .errors import Refused

SENTENCES = {
    Status.BUSY: "The lock is busy with something else. Try again in a few seconds.",
    Status.FULL: "The lock has no free slot left for another pin.",
    Status.EXISTS: "A pin with these digits exists already. Choose other digits.",
    Status.NOT_FOUND: "The lock has no such pin. `latchwire pin list` shows those that it has.",
    Status.INVALID: "The lock found the request invalid.",
    Status.STALE: "The lock has done a later change already. Look at the pins before you try again.",
    Status.CHANGED: "The list of pins has changed meanwhile. Ask again.",
    Status.STORAGE: "The lock could not store the change; nothing has changed. Its flash may be full or worn.",
    Status.CLOCK_UNTRUSTED: "The lock does not know the time. Set its clock and try again.",
    Status.DENIED: "The lock does not let this bridge do that.",
    Status.UNSUPPORTED: "The lock's firmware does not know this request. Update it.",
    Status.CONFLICT: "The lock has done another change under this number. Look at the pins before you try again.",
}


def refused(refusal: Refusal) -> Refused:
    """Return the exception for what a lock answered."""
    text = SENTENCES[refusal.status] if refusal.rule is None else f"The lock refused: {sentence(refusal.rule)}"
    return Refused(refusal.status, refusal.rule, text)

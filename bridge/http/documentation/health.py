"""What OpenAPI says of the calls for whoever watches the bridge."""

from bridge.http.problems import NOT_READY

from .answers import Answers, failure, success

_NOTHING = {"type": "null"}


def alive_answers() -> Answers:
    """Return the answer of a process that lives."""
    return success(200, "The process lives.", None, _NOTHING)


def ready_answers() -> Answers:
    """Return the answers of a bridge that can work, and of one that cannot."""
    return success(200, "Registry and keys can be used.", None, _NOTHING) | failure(
        503, "Registry or keys cannot be used.", NOT_READY[1]
    )


def metrics_answers() -> Answers:
    """Return the answer of all that is counted."""
    example = 'latchwire_http_answers_total{method="GET",route="/healthz",status="200"} 1.0\n'
    content = {"text/plain": {"schema": {"type": "string"}, "example": example}}
    return {200: {"description": "Counters, gauges and histograms, one a line.", "content": content}}

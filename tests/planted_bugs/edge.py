"""Bugs at the edge of the HTTP API: limits, health, what is counted, and what the framework would answer."""

from .bug import Bug

BUGS = (
    Bug(
        name="refused requests counted",
        file="bridge/http/limits.py",
        good="        if len(events) >= self._most:\n",
        bad="        if len(events) >= self._most and not events.append(now):\n",
        tests=("tests/bridge/http/test_limits.py",),
    ),
    Bug(
        name="a table of addresses without an end",
        file="bridge/http/limits.py",
        good="while len(self._events) > self._keys or ",
        bad="while ",
        tests=("tests/bridge/http/test_limits.py",),
    ),
    Bug(
        name="windows that are over kept",
        file="bridge/http/limits.py",
        good=" or next(iter(self._events.values()))[-1] + self._seconds <= now:",
        bad=":",
        tests=("tests/bridge/http/test_limits.py",),
    ),
    Bug(
        name="metrics of locks that are gone",
        file="bridge/http/metrics.py",
        good="                gauge.remove(_lock(wire_id))\n",
        bad="                gauge.labels(_lock(wire_id))\n",
        tests=("tests/bridge/http/test_health.py",),
    ),
    Bug(
        name="a label that a caller makes up",
        file="bridge/http/metrics.py",
        good="method if method in METHODS else MADE_UP",
        bad="method",
        tests=("tests/bridge/http/test_health.py",),
    ),
    Bug(
        name="an address with too many failures shut to valid tokens",
        file="bridge/http/auth.py",
        good="        token = bearer or personal_key\n",
        bad="""\
        token = bearer or personal_key
        if len(limits._addresses._events.get("127.0.0.1", ())) >= 10:
            limits.count_failure("127.0.0.1")
""",
        tests=("tests/bridge/http/test_limits.py",),
    ),
    Bug(
        name="requests without the scope not counted",
        file="bridge/http/auth.py",
        good="""\
        limits.count_request(found.token_id)
        held = found.scopes | {IMPLIED[scope] for scope in found.scopes if scope in IMPLIED}
        missing = [scope for scope in needed.scopes if scope not in held]
        if missing:
            raise ApiError(403, f"The token lacks the scope {' and '.join(missing)}.")
""",
        bad="""\
        held = found.scopes | {IMPLIED[scope] for scope in found.scopes if scope in IMPLIED}
        missing = [scope for scope in needed.scopes if scope not in held]
        if missing:
            raise ApiError(403, f"The token lacks the scope {' and '.join(missing)}.")
        limits.count_request(found.token_id)
""",
        tests=("tests/bridge/http/test_limits.py",),
    ),
    Bug(
        name="one window for all tokens",
        file="bridge/http/limits.py",
        good="self._tokens.wait(token_id)",
        bad="self._tokens.wait(0)",
        tests=("tests/bridge/http/test_limits.py",),
    ),
    Bug(
        name="Retry-After rounded down",
        file="bridge/http/limits.py",
        good="math.ceil(seconds)",
        bad="int(seconds)",
        tests=("tests/bridge/http/test_limits.py",),
    ),
    Bug(
        name="the rate that is set not used",
        file="bridge/cli/serving.py",
        good="Limits(bridge.settings.rate)",
        bad="Limits()",
        tests=("tests/together/test_watching.py",),
    ),
    Bug(
        name="metrics of nothing served",
        file="bridge/cli/serving.py",
        good='service("serve", observer=metrics)',
        bad='service("serve")',
        tests=("tests/together/test_watching.py",),
    ),
    Bug(
        name="paths that callers make up as labels",
        file="bridge/http/middleware.py",
        good='getattr(scope.get("route"), "path", MADE_UP)',
        bad='getattr(scope.get("route"), "path", scope["path"])',
        tests=("tests/bridge/http/test_health.py",),
    ),
    Bug(
        name="a failure in readiness told to whoever asks",
        file="bridge/http/health.py",
        good="raise ApiError(*NOT_READY) from None",
        bad="raise ApiError(503, str(error)) from None",
        tests=("tests/bridge/http/test_health.py",),
    ),
    Bug(
        name="ready without keys",
        file="bridge/service.py",
        good="        if load(self._folder) != self._engine.keys:\n",
        bad="        if False:\n",
        tests=("tests/bridge/test_service.py",),
    ),
    Bug(
        name="an exchange that was cut off not counted",
        file="bridge/wire.py",
        good="        finally:\n            self._tell(frame.kind, exchange, begun)\n",
        bad="        except LinkLost:\n            raise\n        self._tell(frame.kind, exchange, begun)\n",
        tests=("tests/bridge/test_wire.py", "tests/together/test_observed.py"),
    ),
    Bug(
        name="deadlines not counted",
        file="bridge/engine.py",
        good="            self._engine.observer.timed_out()\n",
        bad="",
        tests=("tests/together/test_observed.py",),
    ),
    Bug(
        name="what is no HTTP answered in plain text",
        file="bridge/http/server.py",
        good="        http=_Protocol,\n",
        bad='        http="h11",\n',
        tests=("tests/bridge/http/test_server.py",),
    ),
    Bug(
        name="405 with the methods of one route alone",
        file="bridge/http/problems.py",
        good='        headers = {"Allow": named}  # the framework',
        bad="        pass  # the framework",
        tests=("tests/bridge/http/test_middleware.py", "tests/together/test_schemathesis.py"),
    ),
    Bug(
        name="20.0 taken for a lock's number",
        file="bridge/http/numbers.py",
        good="Whole = Annotated[int, BeforeValidator(_plain)]",
        bad="Whole = int",
        tests=("tests/bridge/http/test_locks.py", "tests/bridge/http/test_activity.py"),
    ),
    Bug(
        name="a second answer where one has begun",
        file="bridge/http/server.py",
        good="if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):",
        bad="if True:",
        tests=("tests/bridge/http/test_server.py",),
    ),
)

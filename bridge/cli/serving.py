"""The `serve` command: the HTTP API."""

import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter, validators

from bridge.errors import UsageError

from .context import service
from .interrupts import interrupted


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The API is ready."""

    url: str

    def __str__(self) -> str:
        return f"The API is served at {self.url}. Ctrl-C ends it."


async def serve(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 8099,
) -> AsyncIterator[Serving]:
    """Serve the HTTP API until it is interrupted.

    Parameters
    ----------
    host
        A loopback address: the API speaks plain HTTP, so put a server that ends TLS in front of it for others.
    port
        0 lets the system choose.
    """
    from bridge.http.app import create_app  # noqa: PLC0415  FastAPI is slow to import; --help does without
    from bridge.http.limits import Limits  # noqa: PLC0415
    from bridge.http.metrics import Metrics  # noqa: PLC0415
    from bridge.http.server import running  # noqa: PLC0415

    _require_loopback(host)
    stopped, metrics = interrupted(), Metrics()
    async with (
        service("serve", observer=metrics) as bridge,
        bridge.resolving(),
        bridge.following(),
        running(create_app(bridge, limits=Limits(bridge.settings.rate), metrics=metrics), host, port) as bound,
    ):
        place = f"[{host}]" if ":" in host else host
        yield Serving(url=f"http://{place}:{bound}")
        await stopped.wait()


def _require_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(
            f"The API speaks plain HTTP and would show pins to the network at {host}. Serve it at 127.0.0.1 and put "
            "a server that ends TLS in front of it."
        )

"""Limits and watching through the real process: the rate that is set, what was counted, and whether it can work."""

import re

import httpx2

from tests.together.processes import Place, place


def metric(text: str, name: str) -> float:
    """Return the value of one sample, its labels included in `name`."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found, (name, text)
    return float(found[1])


def test_serve_limits_counts_and_tells() -> None:
    with place({"LATCHWIRE_RATE": "2"}) as bench, bench.lock():
        assert bench.pair().code == 0
        headers = {"Authorization": f"Bearer {bench.token('Device.ReadWrite')}"}
        with (
            bench.staying("serve", "--port", "0") as serving,
            httpx2.Client(base_url=serving.ready["url"], trust_env=False) as http,
        ):
            answers = [http.get("/api/v1.32/my/lock/123/pin", headers=headers) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            assert 3590 <= int(answers[-1].headers["Retry-After"]) <= 3600
            counted = http.get("/metrics").text
            assert metric(counted, 'latchwire_exchange_seconds_count{kind="transport",outcome="answered"}') >= 4
            route = 'method="GET",route="/api/{version}/my/lock/{lock_id}/pin",status='
            assert metric(counted, f'latchwire_http_answers_total{{{route}"200"}}') == 2
            assert metric(counted, f'latchwire_http_answers_total{{{route}"429"}}') == 1
            assert re.search(r'^latchwire_clock_skew_seconds\{lock="[0-9A-F]{8}"\} ', counted, re.MULTILINE)
            assert_ready_until_the_keys_are_gone(bench, http)


def assert_ready_until_the_keys_are_gone(bench: Place, http: httpx2.Client) -> None:
    assert http.get("/readyz").status_code == 200
    bench.state.joinpath("keys", "bridge.key").unlink()
    assert (http.get("/readyz").status_code, http.get("/healthz").status_code) == (503, 200)

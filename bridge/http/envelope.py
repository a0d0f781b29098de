"""The envelope that every answer of the API wears, whatever it answers."""

from collections.abc import Mapping, Sequence

from fastapi.responses import JSONResponse


def answer(
    status: int,
    *,
    result: object = None,
    messages: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return `{"result", "success", "errorMessages", "statusCode"}` with `status`; below 400 is success."""
    return JSONResponse(envelope(status, result=result, messages=messages), status, headers)


def envelope(status: int, *, result: object = None, messages: Sequence[str] = ()) -> dict[str, object]:
    """Return the JSON object of `answer`."""
    return {
        "result": result,
        "success": status < 400,
        "errorMessages": list(messages),
        "statusCode": status,
    }

"""The envelope that every answer of the API wears, whatever it answers."""

from collections.abc import Mapping, Sequence

from fastapi.responses import JSONResponse, Response


def answer(
    status: int,
    *,
    result: object = None,
    messages: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return `{"result", "success", "errorMessages", "statusCode"}` with `status`; below 400 is success."""
    return JSONResponse(envelope(status, result=result, messages=messages), status, headers)


def no_content() -> Response:
    """Return an empty 204; a client in the field reads it as JSON by its content type."""
    return Response(status_code=204, media_type="application/json")


def envelope(status: int, *, result: object = None, messages: Sequence[str] = ()) -> dict[str, object]:
    """Return the JSON object of `answer`."""
    return {
        "result": result,
        "success": status < 400,
        "errorMessages": list(messages),
        "statusCode": status,
    }

"""Validate calls of the endpoint; reject invalid ones with one sentence.

Gradio 6.31 logs a traceback of 90 lines for some of them, and echoes the whole input of others.
"""

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

CALL_HELP = (
    'upload a picture to /gradio_api/upload, then send {"data": [{"path": "what that returned"}]} '
    "to /gradio_api/call/predict, as application/json."
)
UPLOAD_HELP = 'Send one picture, as a file of a multipart form, in its field "files".'
MAX_ECHO_CHARS = 100  # characters of a request that an error message may repeat


def check_call(path: str, content_type: str, content: bytes) -> None:
    """Raise `HTTPException` unless the body of a JSON route is a valid JSON object.

    Gradio fails after NaN, very long numbers, half a surrogate pair and deep nesting.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(400, f"This is not sent as application/json: {CALL_HELP}")
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"This is no JSON that can be read: {CALL_HELP}") from error
    if not isinstance(body, dict):
        raise HTTPException(400, f"This is no JSON object: {CALL_HELP}")
    if path.endswith("/call/v2/predict") and body.keys() != {"picture"}:
        raise HTTPException(400, f'The one key of this object must be "picture", or {CALL_HELP}')


async def handle_validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    """Respond to a request with missing or invalid fields; name the first of them."""
    first = error.errors()[0]
    source, *names = map(str, first["loc"])
    fault = f"{'.'.join(names)[:MAX_ECHO_CHARS] or source}: {first['msg'][:MAX_ECHO_CHARS]}"
    is_call = source == "body" and "/gradio_api/" in request.url.path
    # not 422: gradio_client expects that detail to be a list
    return JSONResponse({"detail": f"{fault}; {CALL_HELP}" if is_call else f"{fault}."}, 400)

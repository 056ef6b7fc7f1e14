"""What a call of the endpoint must be, and the one sentence that is said to a call that is not.

Gradio 6.31 answers some of these with a traceback of 90 lines in the log, and others with all of
what was sent.
"""

from email.message import Message

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

CALL = (
    'upload a picture to /gradio_api/upload, then send {"data": [{"path": "what that returned"}]} '
    "to /gradio_api/call/predict, as application/json."
)
UPLOAD = 'Send one picture, as a file of a multipart form, in its field "files".'
WORDS = 100  # characters of a visitor's that an answer may repeat


def check_call(path: str, content_type: str, content: bytes) -> None:
    """Raise `HTTPException` if the body of a call, or of another route for JSON, is no such thing.

    What passes is JSON as its standard has it: no NaN, no endless number, no half of a surrogate
    pair, no thousand levels. Gradio would take these, and fail to answer.
    """
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() != "application/json":
        raise HTTPException(400, f"This is not sent as application/json: {CALL}")
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, f"This is no JSON that can be read: {CALL}") from error
    if not isinstance(body, dict):
        raise HTTPException(400, f"This is no JSON object: {CALL}")
    if path.endswith("/call/v2/predict") and body.keys() != {"picture"}:
        raise HTTPException(400, f'The one key of this object must be "picture", or {CALL}')


async def say_what_is_wrong(request: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a request whose parts are missing or of a wrong type: name the first of them."""
    first = error.errors()[0]
    source, *names = map(str, first["loc"])
    wrong = f"{'.'.join(names)[:WORDS] or source}: {first['msg'][:WORDS]}"
    called = source == "body" and "/gradio_api/" in request.url.path
    # not 422: gradio_client takes the detail of that for a list
    return JSONResponse({"detail": f"{wrong}; {CALL}" if called else f"{wrong}."}, 400)

"""Which events may wait for their turn: what Gradio's queue does not ask."""

from collections.abc import Sequence
from pathlib import Path

from gradio.blocks import Block
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue

from inkling.server import gradio_internals
from inkling.server.endpoint_calls import CALL
from inkling.server.request_limits import BUSY

QUEUE = 32  # events that may wait: about a second's work
SESSION_QUEUE = QUEUE // 2  # of one session: a page has few at a time
UNREAD = 40  # messages that may wait for a session to fetch them; an event makes 3


def is_full(queue: Queue) -> bool:
    """Tell whether no more events may wait."""
    return len(queue) >= QUEUE


def watch_queue(queue: Queue, uploads: Path) -> None:
    """Have a queue refuse, beyond what Gradio does, events that are unfair or name other files."""

    def judge(body: PredictBodyInternal) -> tuple[str, str] | None:
        session = body.session_hash or ""
        held = gradio_internals.waiting(queue, session) >= SESSION_QUEUE
        if is_full(queue) or held or gradio_internals.unread(queue, session) > UNREAD:
            return BUSY, "queue_full"
        if len(session) > gradio_internals.SESSION_LIMIT:
            return "The session's name is too long.", "error"
        event = queue.blocks.fns.get(-1 if body.fn_index is None else body.fn_index)
        # each of these is an error in Gradio, with a page in the log: strangers would fill the disk
        if event is None:
            return "There is no such event.", "error"
        if len(body.data) != len(event.inputs):
            return f"The data's values are too few or too many: {CALL}", "error"
        mark_files(body.data, event.inputs)
        if names_other_file(body.data, uploads) or is_misshapen(body.data, event.inputs):
            return f"This is no picture that was uploaded: {CALL}", "error"
        return None

    gradio_internals.judge_events(queue, judge)


def names_other_file(data: object, uploads: Path) -> bool:
    """Tell whether data from outside names a file or an address that is no upload.

    Gradio would fetch any address, and for some parts of a page open any file of the server's.
    """
    parts = [data]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            try:
                if "path" in part and not Path(part["path"]).resolve().is_relative_to(uploads):
                    return True
            except (TypeError, ValueError, OSError):
                return True
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
    return False


def mark_files(data: list, parts: Sequence[Block]) -> None:
    """Mark values as files, as Gradio wants it, where their part of the page can be nothing else.

    Who calls the endpoint by hand, with the path of an upload, need not know of the mark.
    """
    for value, part in zip(data, parts, strict=True):
        model = getattr(part, "data_model", None)
        if isinstance(value, dict) and model and "meta" in model.model_fields:
            value.setdefault("meta", {"_type": "gradio.FileData"})


def is_misshapen(data: list, parts: Sequence[Block]) -> bool:
    """Tell whether a value from outside is none that its part of the page can have."""
    for value, part in zip(data, parts, strict=False):
        model = getattr(part, "data_model", None)
        if model and value is not None:
            try:
                model.model_validate(value, context={"validate_meta": True})
            except ValueError:
                return True
    return False

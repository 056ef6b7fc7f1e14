"""Decide which events may join Gradio's queue."""

from collections.abc import Sequence
from pathlib import Path

from gradio.blocks import Block
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue

from inkling.rendering import BUSY_MESSAGE
from inkling.server import gradio_internals
from inkling.server.endpoint_calls import CALL_HELP

MAX_QUEUED_EVENTS = 32  # about a second's work
MAX_SESSION_EVENTS = MAX_QUEUED_EVENTS // 2  # queued for one session: a page has few at a time
MAX_UNDELIVERED = 40  # messages that a session has not fetched; an event makes 3


def is_full(queue: Queue) -> bool:
    """Return whether no more events may wait."""
    return len(queue) >= MAX_QUEUED_EVENTS


def limit_queue(queue: Queue, uploads: Path) -> None:
    """Make a queue reject unfair and invalid events, and those with a file outside `uploads`."""

    def find_fault(body: PredictBodyInternal) -> tuple[str, str] | None:
        session = body.session_hash or ""
        is_greedy = gradio_internals.count_queued(queue, session) >= MAX_SESSION_EVENTS
        is_silent = gradio_internals.count_undelivered(queue, session) > MAX_UNDELIVERED
        if is_full(queue) or is_greedy or is_silent:
            return BUSY_MESSAGE, "queue_full"
        if len(session) > gradio_internals.MAX_SESSION_NAME_CHARS:
            return "The session's name is too long.", "error"
        event = queue.blocks.fns.get(-1 if body.fn_index is None else body.fn_index)
        # Gradio logs a page for each of the following errors: clients could fill the disk
        if event is None:
            return "There is no such event.", "error"
        if len(body.data) != len(event.inputs):
            return f"The data's values are too few or too many: {CALL_HELP}", "error"
        if has_foreign_file(body.data, uploads) or not is_valid(body.data, event.inputs):
            return f"This is no picture that was uploaded: {CALL_HELP}", "error"
        return None

    gradio_internals.filter_events(queue, find_fault)


def has_foreign_file(data: object, uploads: Path) -> bool:
    """Return whether untrusted data names a file or URL that is no upload: Gradio opens any."""
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


def is_valid(data: list, components: Sequence[Block]) -> bool:
    """Return whether untrusted values fit their components' data models.

    Files get Gradio's type mark if they lack it: clients then need only the upload's path.
    """
    for value, component in zip(data, components, strict=True):
        model = getattr(component, "data_model", None)
        if model and value is not None:
            if isinstance(value, dict) and "meta" in model.model_fields:
                value.setdefault("meta", {"_type": "gradio.FileData"})
            try:
                model.model_validate(value, context={"validate_meta": True})
            except ValueError:
                return False
    return True

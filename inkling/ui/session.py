"""State of one browser session, and the findings computed from it.

Each event maps an immutable `SessionState` to the next. The state stays in server memory while
the page is open. This module does not import Gradio.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from inkling.explanation.ablation import WHOLE, Ablation, ablate, compute_drops, find_smallest_kept
from inkling.explanation.activations import LayerActivations, compute_activations
from inkling.explanation.counterfactual import Change, counterfactual
from inkling.explanation.gallery import Gallery, Neighbourhood
from inkling.explanation.occlusion import Evidence, evidence
from inkling.imaging.mnist_frame import FRAME, Glyph
from inkling.imaging.open_image import PictureError, open_picture
from inkling.imaging.sketch import Sketch
from inkling.recognition.corrections import Corrections, apply_corrections
from inkling.recognition.reader import Reader
from inkling.recognition.reading import Digit, Reading
from inkling.training.live_reader import PlaceholderReader
from inkling.ui.decision import Decision, explain_decision
from inkling.ui.event_payloads import decode_ink, parse_index
from inkling.ui.images import Thumbnail, make_thumbnail
from inkling.ui.picture_steps import read_picture
from inkling.ui.uncertainty import Candidate, find_candidates, is_unsure, load_paths

AnyReader = Reader | PlaceholderReader
ReadMethod = Callable[["SessionState", Any, AnyReader], "SessionState"]  # `Any`: a picture
NO_READING, NO_PICTURE = Reading(), Thumbnail()
DOT_NOTE = "That is a dot: draw a digit, or a whole number."


@lru_cache(maxsize=8)
def ablate_reader(reader: Reader, ablation: Ablation) -> Reader:
    """Return a reader in this process, without the parts that are switched off."""
    if ablation == WHOLE:
        return reader
    return Reader(ablate(reader.model, ablation), reader.description, reader.gallery)


@dataclass(frozen=True)
class SessionState:
    """What the server stores of one session."""

    network_reading: Reading = NO_READING  # of the latest picture, without corrections
    picture: Thumbnail = NO_PICTURE
    chosen: int = 0  # index of the glyph whose details are shown
    rival: int | None = None  # the digit compared with the answer; None: the runner-up
    unedited: Reading | None = None  # the reading before a user changed pixels
    corrections: Corrections = Corrections()
    expanded: frozenset[str] = frozenset()  # the `SECTIONS` in view
    ablation: Ablation = WHOLE  # of the digit network
    network: str = ""  # key of the network to read with, for `LiveReader.find_reader`
    count: int = 0  # answers so far
    request_id: int = 0  # the pad's request that is answered; 0: another component's

    def read(self, content: Path | bytes | PictureError | None, reader: AnyReader) -> Self:
        """Read a picture file, or note its error; None clears the state."""
        if content is None:
            return self.with_reading()
        try:
            if isinstance(content, PictureError):
                raise content
            picture = read_picture(reader, *open_picture(content), "steps" in self.expanded)
        except PictureError as error:
            return self.with_reading(Reading(error=str(error)))
        return self.with_reading(*picture)

    def read_sketch(self, sketch: Sketch, reader: AnyReader) -> Self:
        """Read a sketch; an empty one clears the state."""
        if not sketch.strokes:
            return self.with_reading(request_id=sketch.request_id)
        image = sketch.picture()
        reading, picture = read_picture(reader, image, image.size, "steps" in self.expanded)
        if sketch.is_dots:
            reading = Reading(note=DOT_NOTE)
        return self.with_reading(reading, picture, sketch.request_id)

    def read_digit(self, payload: object, reader: AnyReader) -> Self:
        """Read the gallery's digit of this index; an invalid index clears the state."""
        gallery = Gallery.from_tensors(reader.gallery)
        k = parse_index(payload, len(gallery.labels)) if gallery else None
        if gallery is None or k is None:
            return self.with_reading()
        ink = gallery.ink[k].numpy()
        glyph = Glyph(ink.astype(np.float32) / 255, (0, 0, FRAME, FRAME))
        picture = make_thumbnail(Image.fromarray(255 - ink), (FRAME, FRAME))
        seen = (f"one of MNIST's test digits, a {int(gallery.labels[k])}",)
        return self.with_reading(reader.read_glyphs([glyph], seen), picture)

    def preview(self, sketch: Sketch, reader: AnyReader) -> "Findings | None":
        """Return the findings of an unfinished sketch; None if it is empty or a dot."""
        if not sketch.strokes or sketch.is_dots:
            return None
        state = self.with_reading(reader.read(sketch.picture()))
        return Findings(state.reading(reader), state)

    def with_reading(
        self, reading: Reading = NO_READING, picture: Thumbnail = NO_PICTURE, request_id: int = 0
    ) -> Self:
        """Return the state with another picture and its reading, or with none.

        The chosen glyph and the rival stay if the pad repeats a request.
        """
        state = replace(self, network_reading=reading, picture=picture, unedited=None)
        if request_id and request_id == self.request_id:
            return state
        return replace(state, chosen=0, rival=None, request_id=request_id)

    def read_again(self, reader: AnyReader) -> Self:
        """Read the same glyphs with the present reader: the network may have been trained since."""
        reading = self.network_reading
        if not reading.digits:
            return self
        return replace(self, network_reading=reader.read_glyphs(reading.glyphs, reading.seen))

    def choose(self, glyph: object) -> Self:
        """Show the details of another glyph of the picture."""
        chosen = parse_index(glyph, len(self.network_reading.digits))
        return self if chosen is None else replace(self, chosen=chosen, rival=None)

    def compare(self, digit: object) -> Self:
        """Compare the answer with this digit, or with the runner-up if it is none."""
        return replace(self, rival=parse_index(digit, 10))

    def edit(self, payload: object, reader: AnyReader) -> Self:
        """Read edited pixels of the chosen glyph, in base64; None undoes all edits."""
        if payload is None:
            reading = self.unedited or self.network_reading
            return replace(self, network_reading=reading, unedited=None, rival=None)
        ink = decode_ink(payload)
        return self if ink is None else self.with_ink(ink, reader)

    def with_ink(self, ink: np.ndarray, reader: AnyReader) -> Self:
        """Read other ink (28, 28) in place of the chosen glyph, or as the first glyph."""
        glyphs = self.network_reading.glyphs or [Glyph(ink, (0, 0, 1, 1))]
        glyphs[self.chosen] = replace(glyphs[self.chosen], ink=ink, line_probs=())
        seen, unedited = self.network_reading.seen, self.unedited or self.network_reading
        reading = reader.read_glyphs(glyphs, seen) if ink.any() else NO_READING
        return replace(self, network_reading=reading, unedited=unedited, rival=None)

    def apply_change(self, reader: AnyReader) -> Self:
        """Read the change to the requested digit, if there is one."""
        change = self.compute_findings(reader).change
        return self.with_ink(change.ink, reader) if change else self

    def with_correction(self, corrections: Corrections, digit: int | None) -> Self:
        """Return the state with these corrections, and the chosen glyph labelled as `digit`."""
        if digit is not None and self.network_reading.digits:
            corrections = corrections.add(self.network_reading.digits[self.chosen].glyph.ink, digit)
        return replace(self, corrections=corrections)

    def reading(self, reader: AnyReader) -> Reading:
        """Return the reading without what is switched off, and after corrections."""
        reading = self.network_reading  # its glyphs are found by the whole network
        if isinstance(reader, PlaceholderReader) or not reading.digits:
            return reading
        if self.ablation != WHOLE:
            reader = ablate_reader(reader, self.ablation)
            seen = (*reading.seen, "parts of the network switched off")
            reading = reader.read_glyphs(reading.glyphs, seen)
        return apply_corrections(reading, self.corrections, reader.model)

    def compute_findings(self, reader: AnyReader) -> "Findings":
        """Compute everything that the page shows of the present picture."""
        findings = Findings(self.reading(reader), self)
        digit = findings.digit
        if digit is None or isinstance(reader, PlaceholderReader):
            return findings
        rest = ablate_reader(reader, self.ablation)
        ink, (best, runner_up) = digit.glyph.ink, digit.ranking[:2]
        requested = None if self.rival == best else self.rival
        rival = runner_up if requested is None else requested
        margin = evidence(rest.model, ink, best, rival)
        findings = replace(findings, evidence=margin, requested_digit=requested)
        if requested is not None:
            change = counterfactual(rest.model, ink, requested, load_paths(requested))
            findings = replace(findings, change=change)
        elif is_unsure(digit):
            findings = replace(findings, candidates=find_candidates(rest, digit))
        return self._open_layers(findings, reader) if "inside" in self.expanded else findings

    def _open_layers(self, findings: "Findings", whole: Reader) -> "Findings":
        reader, digit = ablate_reader(whole, self.ablation), findings.reading.digits[self.chosen]
        read = replace(self, corrections=Corrections()).reading(whole).digits[self.chosen]
        ink, gallery = digit.glyph.ink, Gallery.from_tensors(reader.gallery)
        activations = compute_activations(reader.model, ink)
        costs, margin = None, findings.evidence
        if margin and "switches" in self.expanded:
            drops = compute_drops(reader.model, ink, margin.answer, margin.rival)
            costs = drops, find_smallest_kept(whole.model, ink.tobytes())
        return replace(
            findings,
            activations=activations,
            decision=explain_decision(reader.model, activations.class_logits, read, digit),
            neighbourhood=gallery and gallery.locate(reader.features(ink)),
            part_costs=costs,
        )


@dataclass(frozen=True)
class Findings:
    """Everything that is computed for one answer, before it is rendered."""

    reading: Reading = NO_READING  # after corrections, and without what is switched off
    state: SessionState = SessionState()
    evidence: Evidence | None = None  # None without a digit
    change: Change | None = None  # to `requested_digit`
    requested_digit: int | None = None  # the digit whose bar was tapped
    candidates: tuple[Candidate, ...] = ()  # of an unsure glyph
    activations: LayerActivations | None = None  # None while the layers are collapsed
    decision: Decision | None = None  # None while the layers are collapsed
    neighbourhood: Neighbourhood | None = None  # None while the layers are collapsed
    part_costs: tuple[list[np.ndarray], int] | None = None  # None while the switches are collapsed

    @property
    def digit(self) -> Digit | None:
        """The glyph whose details are shown; None without a digit."""
        return self.reading.digits[self.state.chosen] if self.reading.digits else None


def read_and_analyze(
    state: SessionState, read: ReadMethod, payload: object, reader: AnyReader
) -> tuple[SessionState, Findings]:
    """Return the state after a picture was read, and its findings."""
    state = replace(read(state, payload, reader), count=state.count + 1)
    return state, state.compute_findings(reader)


class Session:
    """The latest state of a session; events of one session may be handled at the same time."""

    def __init__(self) -> None:
        self.state = SessionState()
        self._read_count = 0  # numbers read requests in order of arrival
        self._request_id = 0  # of the latest read request, as numbered by the page
        self._lock = threading.Lock()

    def __deepcopy__(self, _: dict) -> "Session":
        """Return an empty session: Gradio copies the initial value for each session."""
        return Session()

    def read_latest(
        self, read: ReadMethod, payload: object, reader: AnyReader, request_id: int = 0
    ) -> Findings | None:
        """Read a new picture and return its findings.

        Return None, without changing the state, if a newer read request arrived meanwhile.
        Requests may arrive out of order; `request_id` is the page's own count.
        """
        with self._lock:
            if 0 < request_id < self._request_id:
                return None
            self._request_id = request_id or self._request_id
            self._read_count += 1
            read_count, before = self._read_count, self.state
        after, findings = reader.call(read_and_analyze, before, read, payload)
        with self._lock:
            if read_count != self._read_count:
                return None
            if self.state is before:
                self.state = after
                return findings
            state = self.state.with_reading(after.network_reading, after.picture, after.request_id)
            return self._commit(state, reader)

    def configure(self, expanded: frozenset[str], ablation: Ablation, network: str = "") -> None:
        """Set sections to compute from now on, parts that are switched off, and the network."""
        with self._lock:
            before, view = self.state, (expanded, ablation, network)
            if (before.expanded, before.ablation, before.network) != view:
                state = replace(before, expanded=expanded, ablation=ablation, network=network)
                small = Thumbnail(state.picture.data, state.picture.size)
                self.state = state if "steps" in expanded else replace(state, picture=small)

    def update(self, change: Callable[[SessionState], SessionState], reader: AnyReader) -> Findings:
        """Change the state and return its findings; one call at a time."""
        with self._lock:
            return self._commit(change(self.state), reader)

    def _commit(self, state: SessionState, reader: AnyReader) -> Findings:
        state = replace(state, count=self.state.count + 1)
        findings = reader.call(SessionState.compute_findings, state)
        self.state = state
        return findings

    def restore_corrections(self, corrections: Corrections, reader: AnyReader) -> Findings:
        """Set the corrections that a browser stores, and return the same picture's findings."""
        with self._lock:  # the count stays: the pad may have received an answer with it already
            self.state = replace(self.state, corrections=corrections)
            return reader.call(SessionState.compute_findings, self.state)

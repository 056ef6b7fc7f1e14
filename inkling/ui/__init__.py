"""The page: from an event in the browser to HTML.

layout.py: components and their places
sketchpad.py: `Sketchpad`, a component to draw on
static: scripts, styles and markup of components
event_payloads.py: parse untrusted payloads
pad_requests.py: the pad's read and preview requests, within limits
events.py: event handlers
session.py: session state; compute findings
decision.py: follow class logits to probabilities and rejection
picture_steps.py: record how a picture is read
uncertainty.py: explain an unsure answer
images.py: thumbnails, heat maps, map of digits
views.py: render findings
inside_views.py: render layers, cells, feature maps and neighbours
model_card.py: render the model card and a training's progress
lab.py: start trainings and show their reports
downloads.py: report and JSON downloads; save corrected digits
templates: HTML of all views
"""

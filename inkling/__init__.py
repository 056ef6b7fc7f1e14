"""The product's packages, in the order in which a picture passes them, and their makers.

imaging: pictures and sketches to framed ink
recognition: gray pictures to readings
explanation: explain a classification
server: untrusted requests to events of the page
ui: events to HTML
datasets: digits and non-digits with labels
training: data sets to checkpoints
evaluation: checkpoints to figures
classroom: optional: phones that draw, and a wall
export: optional: ONNX file, page without a server
scale: optional: Ray
rendering.py: render templates; encode pictures as data URLs
terminal.py: run commands: exit statuses, printable names
"""

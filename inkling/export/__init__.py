"""Optional: the network as an ONNX file, and the page without a server.

onnx_file.py: export, quantize and compare an ONNX file
static_page.py: build the page without a server
npm: assemble its scripts, styles, templates and runtime by Node.js
static: that page, its scripts and styles
"""

INSTALL_ONNX = "python -m pip install -r deploy/requirements-onnx.txt"

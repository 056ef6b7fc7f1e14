"""Optional: the network as an ONNX file, and a page that reads single digits without a server.

onnx_file.py: export, quantize and compare an ONNX file
static_page.py: build the page without a server
static: that page, its scripts and styles
"""

INSTALL_ONNX = "python -m pip install -r deploy/requirements-onnx.txt"

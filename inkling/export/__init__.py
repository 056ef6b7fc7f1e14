"""Optional: the network as an ONNX file, and a page that reads single digits without a server."""

INSTALL_ONNX = "python -m pip install -r deploy/requirements-onnx.txt"

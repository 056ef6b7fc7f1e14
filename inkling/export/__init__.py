"""The network without the rest: as an ONNX file, and a page that reads single digits by itself."""

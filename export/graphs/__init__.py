"""ONNX graphs: written, edited, fused and run."""

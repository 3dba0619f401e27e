"""Texts and images to vectors: tokenizer, preprocessing and ONNX sessions."""

"""Texts and pictures to vectors: tokenizer, preprocessing and ONNX sessions."""

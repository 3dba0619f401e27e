"""What tests share: tiny models, drawn pictures, old files, paths."""

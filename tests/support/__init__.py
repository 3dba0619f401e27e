"""What tests share: tiny models, drawn images, old files, paths."""

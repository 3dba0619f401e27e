"""Data files of the export stage: golden and background texts, word lists of audits, licences, tuned knobs."""

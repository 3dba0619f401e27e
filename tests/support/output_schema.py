"""What commands print with --json, checked against docs/output.schema.json."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from tests.support.paths import ROOT

SCHEMA = json.loads((ROOT / "docs/output.schema.json").read_text(encoding="utf-8"))


def validate(line: str, kind: str) -> dict[str, object]:
    """The object on a line of output, which must be a ``hit``, an ``error`` and so on."""
    facts = json.loads(line)
    Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": SCHEMA["$defs"]}).validate(facts)
    return dict(facts)

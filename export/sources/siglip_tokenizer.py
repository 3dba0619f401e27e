"""Convert SigLIP's tokenizer, of which transformers has the slow form only, to the ``tokenizers`` library."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from ..errors import ExportError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizer

_SPACE = "▁"
_UNIGRAM = 1


def convert_siglip(tokenizer: PreTrainedTokenizer) -> Tokenizer:
    """A tokenizer that gives the same ids.

    Args:
        tokenizer: transformers' ``SiglipTokenizer``.

    Raises:
        ExportError: its SentencePiece file is of another type than SigLIP's, which is ``unigram``.
    """
    proto = _sentencepiece_model(tokenizer)
    if proto.trainer_spec.model_type != _UNIGRAM or not proto.normalizer_spec.remove_extra_whitespaces:
        raise ExportError(f"{tokenizer.vocab_file}: is not a SentencePiece model as SigLIP has it (unigram)")
    pieces = [(piece.piece, piece.score) for piece in proto.pieces]
    # Special tokens in a text are not looked for as such, but found as pieces: no other way treats what follows alike.
    converted = Tokenizer(models.Unigram(pieces, unk_id=proto.trainer_spec.unk_id))
    eos, unknown = str(tokenizer.eos_token), str(tokenizer.unk_token)
    charsmap = proto.normalizer_spec.precompiled_charsmap
    converted.normalizer = _normalizer(charsmap, eos, unknown, lowercase=tokenizer.do_lower_case)
    converted.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="never")
    converted.post_processor = processors.TemplateProcessing(
        single=f"$A {eos}", special_tokens=[(eos, tokenizer.eos_token_id)]
    )
    return converted


def _sentencepiece_model(tokenizer: PreTrainedTokenizer) -> Any:
    from transformers.convert_slow_tokenizer import import_protobuf

    proto = import_protobuf().ModelProto()  # type: ignore[no-untyped-call]
    proto.ParseFromString(Path(tokenizer.vocab_file).read_bytes())
    return proto


def _normalizer(charsmap: bytes, eos: str, unknown: str, *, lowercase: bool) -> normalizers.Normalizer:
    """What ``SiglipTokenizer.tokenize``, its ``canonicalize_text`` and SentencePiece do to a text, in that order."""
    steps = [normalizers.Replace(_SPACE, " ")]
    if lowercase:
        steps.append(normalizers.Lowercase())  # one character at a time, as there
    steps += [
        normalizers.Replace(Regex(_punctuation_outside(eos, unknown)), ""),
        normalizers.Replace(Regex(r"\s+"), " "),
    ]
    if charsmap:
        steps.append(normalizers.Precompiled(charsmap))
    steps += [normalizers.Replace(Regex(f" *{re.escape(token)} *"), token) for token in (eos, unknown)]
    return normalizers.Sequence(
        [
            *steps,
            normalizers.Replace(Regex(" +"), " "),
            normalizers.Strip(),
            normalizers.Replace(Regex(f"{re.escape(eos)}$"), ""),  # no second one is put behind it
            normalizers.Prepend(_SPACE),
            normalizers.Replace(Regex(f"^{_SPACE}(?={re.escape(eos)}|{re.escape(unknown)})"), ""),
        ]
    )


def _punctuation_outside(*tokens: str) -> str:
    """An expression for ASCII punctuation that is no part of one of the tokens."""
    inside = (f"(?<={re.escape(token[:i])}){re.escape(token[i:])}" for token in tokens for i in range(len(token)))
    return f"(?!{'|'.join(inside)})[{re.escape(string.punctuation)}]"

"""Load a source's model and tokenizer by transformers, from local files, in float32."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from ..errors import ExportError
from .source import Source

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast


def load_model(source: Source, *, may_lack: Sequence[str] = ()) -> tuple[PreTrainedModel, set[str]]:
    """The model without a head, in evaluation mode.

    Args:
        source: its folder.
        may_lack: beginnings of names of weights that need not be there, because they are not used without.

    Returns:
        The model, and the names of those of ``may_lack`` that are not in the file; they hold random numbers.

    Raises:
        ExportError: transformers cannot load it, or other weights are missing.
    """
    from transformers import AutoModel

    try:
        model: PreTrainedModel
        with quiet():  # what it would warn of is looked at here
            model, loading = AutoModel.from_pretrained(
                source.path,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
                attn_implementation="eager",
                output_loading_info=True,
            )
    except (OSError, ValueError, ImportError, RuntimeError) as error:  # RuntimeError: weights of another shape
        raise ExportError(f"{source.path}: transformers cannot load the model: {first_line(error)}") from error
    # transformers makes up at random what is not in the file.
    lacking = {str(name) for name in loading["missing_keys"] if name.startswith(tuple(may_lack))}
    missing = sorted(set(loading["missing_keys"]) - lacking)
    if missing:
        more = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise ExportError(
            f"{source.path}: the weights lack {missing[0]}{more}, which a {source.model_type} model needs"
        )
    model.eval()  # type: ignore[no-untyped-call]
    return model, lacking


def load_tokenizer(source: Source) -> PreTrainedTokenizerBase:
    """The tokenizer, fast if there is such a form of it.

    Raises:
        ExportError: transformers cannot load it.
    """
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    # SentencePiece's own file is what the slow class wants; transformers does not look for another by itself.
    whole = (source.path / "tokenizer.json").is_file() and not (source.path / "spiece.model").is_file()
    loader: Any = PreTrainedTokenizerFast if whole and source.model_type == "siglip" else AutoTokenizer
    try:
        tokenizer: PreTrainedTokenizerBase = loader.from_pretrained(source.path, use_fast=True, local_files_only=True)
    except (OSError, ValueError, ImportError, TypeError) as error:  # TypeError: a file that the class needs is missing
        raise ExportError(f"{source.path}: transformers cannot load the tokenizer: {first_line(error)}") from error
    return tokenizer


def load_fast_tokenizer(source: Source) -> PreTrainedTokenizerFast:
    """The tokenizer in its fast form.

    Raises:
        ExportError: transformers cannot load it, or has no such form.
    """
    from transformers import PreTrainedTokenizerFast

    tokenizer = load_tokenizer(source)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ExportError(f"{source.path}: {type(tokenizer).__name__} has no tokenizer.json")
    return tokenizer


def first_line(error: Exception) -> str:
    """What an exception of another library says, short enough for a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Conversion warns of tracing on every channel there is; what matters is proved afterwards."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)

"""Recipes of shipped bundles: ``edgeembed-export recipe NAME SOURCE OUT``."""

from __future__ import annotations

from ..quantization.choose import Tolerance
from .options import EncoderOptions

_UNSTATED = "not stated by the model card"
_MINILM_DATA = (
    ("Reddit comments 2015-2018", "no licence stated; written by Reddit's users under its terms"),
    ("S2ORC: citation pairs, titles and abstracts", "ODC-By 1.0, as stated by its authors"),
    ("WikiAnswers duplicate questions", _UNSTATED),
    ("PAQ question-answer pairs", "CC BY-SA 3.0 (made from Wikipedia), as stated by its authors"),
    ("Stack Exchange: titles, bodies, answers, duplicates", "CC BY-SA 4.0, as stated by Stack Exchange"),
    ("MS MARCO triplets", "non-commercial research, as stated by Microsoft"),
    ("GOOAQ", "Apache-2.0, as stated by its authors"),
    ("Yahoo Answers", _UNSTATED),
    ("CodeSearchNet", "the licence of each source repository, as stated by its authors"),
    ("COCO image captions", "CC BY 4.0, as stated by its authors"),
    ("SPECTER citation triplets", _UNSTATED),
    ("SearchQA", _UNSTATED),
    ("ELI5", "no licence stated; written by Reddit's users under its terms"),
    ("Flickr30k captions", "research and education, as stated by its authors"),
    ("SNLI", "CC BY-SA 4.0, as stated by its authors"),
    ("MultiNLI", "mixed, mostly that of the Open American National Corpus, as stated by its authors"),
    ("Sentence Compression", _UNSTATED),
    ("WikiHow", "CC BY-NC-SA 3.0, as stated by wikiHow"),
    ("AltLex", "made from Wikipedia, CC BY-SA"),
    ("Quora question triplets", "Quora's terms, non-commercial, as stated by Quora"),
    ("Simple Wikipedia", "CC BY-SA, as stated by Wikipedia"),
    ("Natural Questions", "CC BY-SA 3.0, as stated by its authors"),
    ("SQuAD 2.0", "CC BY-SA 4.0, as stated by its authors"),
    ("TriviaQA", _UNSTATED),
    ("English Wikipedia (base model)", "CC BY-SA, as stated by Wikipedia"),
    ("BookCorpus (base model)", "no licence stated"),
)
"""The sets that the card of all-MiniLM-L6-v2 names, and those of the model that it was tuned from."""
RECIPES = {
    "minilm-l6-int8": EncoderOptions(
        name="minilm-l6-int8",
        source_id="sentence-transformers/all-MiniLM-L6-v2",
        max_tokens=256,
        license="Apache-2.0",
        tolerance=Tolerance(),  # the way that weights are stored is chosen by measurement, and the card shows it
        training_data=[{"name": name, "terms": terms} for name, terms in _MINILM_DATA],
    )
}
"""Name of a shipped bundle to its options."""

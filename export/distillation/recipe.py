"""Types of a distillation recipe: shapes of students, and what they are trained on."""

from __future__ import annotations

from dataclasses import dataclass

from ..sealing.options import BundleOptions
from .corpus import SETS, TrainingSet
from .training import Plan


@dataclass(frozen=True, kw_only=True)
class Static:
    """A student without a transformer, see :mod:`.students.static`."""

    width: int
    """Length of a token's vector in the table."""


@dataclass(frozen=True, kw_only=True)
class Layers:
    """A student with some of the teacher's layers, see :mod:`.students.layers`."""

    layers: tuple[int, ...]
    """Layers of the teacher, counted from 0."""
    rows: int
    """Tokens left in the vocabulary."""
    neurons: int | None = None
    """Neurons of each feed-forward part; ``None``: as many as the teacher has."""


@dataclass(frozen=True, kw_only=True)
class Characters:
    """A student that reads characters and has no transformer either, see :mod:`.students.characters`."""

    width: int = 16
    """Length of a character's vector."""
    filters: tuple[tuple[int, int], ...] = ((1, 32), (2, 64), (3, 128), (4, 128))
    """Length in characters, and how many of that length."""
    hidden: int = 256
    """Length of a token's vector, and of the LSTM's state in each direction."""


@dataclass(frozen=True, kw_only=True)
class DistillRecipe:
    """How a student is made."""

    bundle: BundleOptions
    """Options of the teacher and of the bundle; training data are the teacher's, a scheme is not used."""
    student: Static | Layers | Characters
    plan: Plan
    texts: int | None = None
    """So many of the corpus are used; ``None``: all."""
    joined: int = 0
    """How many longer texts are made of neighbouring ones."""
    sets: tuple[TrainingSet, ...] = SETS
    """What it is trained on."""
    teacher: str = "float32"
    """How the teacher's vectors are computed: ``float32``, ``bfloat16``, or the name of a bundle of the same space."""
    evidence: tuple[str, ...] = ()
    """What the card says beside the measured scores: what was tried, and what it gave."""
    same_space: bool = False
    """Whether the vectors may be compared with the teacher's; to be measured before it is said."""

    @property
    def name(self) -> str:
        """Name of the recipe and of its bundle."""
        assert self.bundle.name is not None, "a recipe's bundle has a name"
        return self.bundle.name

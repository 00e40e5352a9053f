"""Labels to numbers: a small built-in word encoder, learned with the policy, or CLIP's from a local folder."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from understudy.errors import UnderstudyError
from understudy.networks.transformer import Block

__all__ = ["ClipText", "Text", "WordEncoder", "WordText", "vocabulary_of"]

_LONGEST = 16
_PAD, _UNKNOWN = 0, 1


class Text(ABC):
    """How labels become what the network reads."""

    @abstractmethod
    def features(self, labels: Sequence[str]) -> Tensor:
        """One row per label: word numbers (B, L) int64, or a frozen encoder's output (B, E) float32."""

    @abstractmethod
    def vectors(self, labels: Sequence[str]) -> Float[Tensor, "B E"]:
        """One vector of fixed numbers per label, for networks that learn no encoder; zeros for an empty label."""

    @abstractmethod
    def make_encoder(self, width: int) -> nn.Module:
        """The learned part: features to vectors (B, width)."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """What `from_json` needs to make the same features again."""

    @staticmethod
    def from_json(content: dict[str, Any], where: str) -> "Text":
        """Read what `to_json` gave; `where` names the file in errors."""
        if "words" in content:
            return WordText(tuple(content["words"]))
        if "clip" in content:
            return ClipText(Path(content["clip"]))
        raise UnderstudyError(f"{where}: text must hold `words` (a vocabulary) or `clip` (a folder)")


def vocabulary_of(labels: Sequence[str]) -> tuple[str, ...]:
    """The words of the labels, sorted."""
    return tuple(sorted({word for label in labels for word in _words(label)}))


class WordText(Text):
    """The built-in encoder: it knows the words of its training labels, any other is the unknown word."""

    def __init__(self, vocabulary: tuple[str, ...]) -> None:
        self.vocabulary = vocabulary
        self._numbers = {word: number for number, word in enumerate(vocabulary, start=_UNKNOWN + 1)}

    def features(self, labels: Sequence[str]) -> Int[Tensor, "B L"]:
        """Word numbers, padded with 0; an empty label is all padding."""
        rows = torch.full((len(labels), _LONGEST), _PAD)
        for row, label in zip(rows, labels, strict=True):
            numbers = [self._numbers.get(word, _UNKNOWN) for word in _words(label)][:_LONGEST]
            row[: len(numbers)] = torch.tensor(numbers, dtype=torch.int64)
        return rows

    def vectors(self, labels: Sequence[str]) -> Float[Tensor, "B E"]:
        """Which words of the vocabulary a label has (any other counts as the unknown one), at unit length."""
        words = self.features(labels)
        present = nn.functional.one_hot(words, len(self.vocabulary) + _UNKNOWN + 1).amax(1)[:, _UNKNOWN:].float()
        return nn.functional.normalize(present, dim=1)

    def make_encoder(self, width: int) -> "WordEncoder":
        """Embeddings, one transformer block, mean."""
        return WordEncoder(len(self.vocabulary) + _UNKNOWN + 1, width)

    def to_json(self) -> dict[str, Any]:
        """The vocabulary."""
        return {"words": list(self.vocabulary)}


class WordEncoder(nn.Module):
    """Word numbers (B, L) to a vector (B, D)."""

    def __init__(self, num_words: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(num_words, width, padding_idx=_PAD)
        self.places = nn.Parameter(torch.randn(_LONGEST, width) * 0.02)
        self.block = Block(width, 2)
        self.norm = nn.LayerNorm(width)

    def forward(self, words_BL: Int[Tensor, "B L"]) -> Float[Tensor, "B D"]:
        """Mean over the words; zeros for an empty label."""
        present = (words_BL != _PAD).unsqueeze(-1)
        x = self.block((self.words(words_BL) + self.places) * present)
        return (self.norm(x) * present).sum(1) / present.sum(1).clamp(min=1)


class ClipText(Text):
    """CLIP's text tower, frozen, from a folder in the published `transformers` layout (weights and tokeniser)."""

    def __init__(self, folder: Path) -> None:
        """Load the tower.

        Raises:
            UnderstudyError: no such folder, or not a CLIP text model.
        """
        from transformers import CLIPTextModelWithProjection, CLIPTokenizer

        self.folder = folder
        if not (folder / "config.json").is_file():
            raise UnderstudyError(f"{folder}: no CLIP folder: it needs config.json, weights and tokeniser files")
        try:
            self._tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
            self._model = CLIPTextModelWithProjection.from_pretrained(str(folder), local_files_only=True).eval()
        except (OSError, ValueError, TypeError) as error:
            raise UnderstudyError(f"{folder}: not a CLIP text model: {error}") from error

    @torch.inference_mode()
    def features(self, labels: Sequence[str]) -> Float[Tensor, "B E"]:
        """Projected text embeddings of unit length; zeros for an empty label."""
        if not labels:
            return torch.zeros(0, self._model.config.projection_dim)
        tokens = self._tokenizer(list(labels), padding=True, truncation=True, return_tensors="pt")
        embeddings = nn.functional.normalize(self._model(**tokens).text_embeds.float(), dim=1)
        present = torch.tensor([bool(label) for label in labels])
        return embeddings * present[:, None]

    def vectors(self, labels: Sequence[str]) -> Float[Tensor, "B E"]:
        """As `features`."""
        return self.features(labels)

    def make_encoder(self, width: int) -> nn.Module:
        """A linear projection."""
        return nn.Linear(self._model.config.projection_dim, width)

    def to_json(self) -> dict[str, Any]:
        """The folder: its weights are not copied."""
        return {"clip": str(self.folder)}


def _words(label: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", label.lower())

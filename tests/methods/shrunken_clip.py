"""CLIP's text tower in the published layout, shrunken: it reads labels letter by letter."""

import json

import torch
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WIDTH = 8
"""Numbers of its vectors."""


def write_clip_text(folder):
    """Weights and tokeniser files; returns the folder."""
    folder.mkdir(exist_ok=True)
    words = [*LETTERS, *(letter + "</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    end = vocabulary["<|endoftext|>"]
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        projection_dim=WIDTH,
        max_position_embeddings=32,
        bos_token_id=end - 1,
        eos_token_id=end,
        pad_token_id=end,
    )
    CLIPTextModelWithProjection(config).save_pretrained(str(folder))
    return folder

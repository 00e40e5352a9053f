"""Latent video diffusion: human videos as prompts, robot videos as targets."""

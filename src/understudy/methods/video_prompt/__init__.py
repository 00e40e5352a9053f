"""video_prompt: a human video as the prompt; see README.md."""

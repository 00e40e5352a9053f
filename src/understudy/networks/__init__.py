"""Network leaves that two or more methods share. Suffixes name axes: B batch, N tokens, T time, A action, D width."""

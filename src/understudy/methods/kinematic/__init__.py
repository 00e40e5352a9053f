"""Replay of the tracked hand: learns nothing, and is the row that every learned method is compared with."""

"""Rigid transforms, rotations, cameras, the wrist frame and alignment. Pure functions on arrays; batch axes lead."""

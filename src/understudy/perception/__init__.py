"""A video of a person becomes a hand in metres in the camera frame: read, detect, choose, fit, and say how sure."""

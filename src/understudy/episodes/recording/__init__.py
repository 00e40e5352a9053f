"""Paired recording: the same layouts done by a person and by robots, as one LeRobot v3 data set per embodiment."""

"""Episodes on disk: LeRobot v3 data sets, written frame by frame and never half-way."""

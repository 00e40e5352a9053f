"""The tabletop: one MuJoCo table, one fixed camera, tasks, control, recorded people and scripted experts."""

"""Video-conditioned policy trained end to end: Human2Robot's baseline "action decoder with human"."""

"""Who acts: bodies built in Python, one file each."""

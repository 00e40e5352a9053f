"""Language-conditioned diffusion policy: the baseline DP (Chi et al., 2023) of Human2Robot's Table 1."""

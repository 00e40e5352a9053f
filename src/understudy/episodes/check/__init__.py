"""What trips people in a data set, found before training does. A new check is one new file and one line here."""

from understudy.episodes.check.clock import find_wrong_rates
from understudy.episodes.check.disagreements import find_mismatched_data_sets
from understudy.episodes.check.finding import Check, Finding
from understudy.episodes.check.hidden_hand import find_hidden_hands
from understudy.episodes.check.jumps import find_jumps
from understudy.episodes.check.leaks import find_leaks
from understudy.episodes.check.limits import find_beyond_limits
from understudy.episodes.check.pairs import find_unsynchronised_pairs
from understudy.episodes.check.quaternion_signs import find_quaternion_flips
from understudy.episodes.check.static_frames import find_static_frames
from understudy.episodes.check.swapped_colours import find_swapped_colours

__all__ = ["CHECKS", "Check", "Finding"]

CHECKS: dict[str, Check] = {
    "clock": find_wrong_rates,
    "disagreements": find_mismatched_data_sets,
    "hidden_hand": find_hidden_hands,
    "jumps": find_jumps,
    "leaks": find_leaks,
    "limits": find_beyond_limits,
    "pairs": find_unsynchronised_pairs,
    "quaternion_signs": find_quaternion_flips,
    "static_frames": find_static_frames,
    "swapped_colours": find_swapped_colours,
}
"""Name -> check. What the format itself demands (finite, statistics, times, frames) is `file_format`'s."""

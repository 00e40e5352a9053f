"""Data sets of others, one episode at a time. A new format is one file that returns a `Source`, and one line here."""

from understudy.episodes.importers.bridge_v2 import open_bridge_v2
from understudy.episodes.importers.dexycb import open_dexycb
from understudy.episodes.importers.hoi4d import open_hoi4d
from understudy.episodes.importers.hr_hdf5 import open_hr_hdf5
from understudy.episodes.importers.rh20t import open_rh20t, open_rh20t_human
from understudy.episodes.importers.robomimic import open_robomimic
from understudy.episodes.importers.source import Importer, Source, SourceEpisode
from understudy.episodes.importers.xhand_json import open_xhand_json

__all__ = ["IMPORTERS", "Importer", "Source", "SourceEpisode"]

IMPORTERS: dict[str, Importer] = {
    "bridge_v2": open_bridge_v2,
    "dexycb": open_dexycb,
    "hoi4d": open_hoi4d,
    "hr_hdf5": open_hr_hdf5,
    "rh20t": open_rh20t,
    "rh20t_human": open_rh20t_human,
    "robomimic": open_robomimic,
    "xhand_json": open_xhand_json,
}
"""Name of a format -> what opens a file or folder of it."""

"""One plain training loop for every experiment: exact resume, checkpoints that survive, a record of the run."""

from understudy.training.export import export_policy
from understudy.training.session import TrainingStopped
from understudy.training.train import train

__all__ = ["TrainingStopped", "export_policy", "train"]

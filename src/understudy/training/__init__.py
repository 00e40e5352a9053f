"""One plain training loop for every experiment: exact resume, checkpoints that survive, a record of the run."""

from understudy.training.export import export_policy
from understudy.training.train import TrainingStopped, train

__all__ = ["TrainingStopped", "export_policy", "train"]

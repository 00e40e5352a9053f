"""Training runs on a paired recording, of policies with an action diffusion head: what they all set and export."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from understudy.episodes.normalisation import NormalisationKind
from understudy.episodes.paired import PairedWindows, WindowConfig
from understudy.methods.diffusion_policy import SamplingConfig
from understudy.methods.experiment import Experiment, TrainingData
from understudy.networks.action_diffusion import DiffusionConfig

__all__ = ["SMALLEST", "PairedExperiment"]

SMALLEST = DiffusionConfig(32, 2, 1, 1, attention_dropout=0.0, dropout=0.0, mlp_dropout=0.0)
"""Of `debug` experiments."""


@dataclass(frozen=True)
class PairedExperiment(Experiment):
    """Settings beside those of every run."""

    robot: str = "xarm7_gripper"
    num_times: int = 8
    """Windows of one episode in a sample."""
    normalisation: NormalisationKind = "symmetric"
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def open_windows(self, image_size: int, chunk: int, prompt_frames: int = 0, num_phases: int = 16) -> PairedWindows:
        """The data as a network of these sizes needs it; see `WindowConfig`.

        Raises:
            UnderstudyError: data that do not fit, or more actions to be carried out than a chunk has.
        """
        self.sampling.check_chunk(chunk, self.name)
        windows = WindowConfig(
            robot=self.robot,
            image_size=image_size,
            prompt_frames=prompt_frames,
            num_times=self.num_times,
            history=self.sampling.execute,
            chunk=chunk,
            num_phases=num_phases,
            normalisation=self.normalisation,
        )
        return PairedWindows(self.data, windows)

    def fitted(self, data: TrainingData) -> dict[str, Any]:
        """Normalisation, control step and labels, which `description` has, too."""
        assert isinstance(data, PairedWindows)
        return {
            "normalisation": data.normalisation.to_json(),
            "dt_s": 1 / data.fps,
            "labels": list(data.labels),
        }

    def description(self, method: str, data: PairedWindows, sizes: Mapping[str, Any]) -> dict[str, Any]:
        """What `policy.json` says of every such policy; `sizes` are those of the network."""
        return {
            "method": method,
            "robot": self.robot,
            "experiment": self.name,
            "model": dict(sizes),
            "sampling": asdict(self.sampling),
            **self.fitted(data),
        }

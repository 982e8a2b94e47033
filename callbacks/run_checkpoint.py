"""The checkpoint that every run leaves: after each epoch, at its end, and when it is interrupted."""

import signal
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as L
from lightning.pytorch.callbacks import ModelCheckpoint

from cogito_pl.modules.interruption import Interrupted, Interruption, exit_status, state_besides_weights
from cogito_pl.modules.lightning_internals import after_signal_handlers, save_now
from cogito_pl.modules.resuming import newest_checkpoint, say_how_to_resume


class RunCheckpoint(ModelCheckpoint):
    """Keeps the newest state of a fit in one checkpoint, whatever other checkpoint callbacks there are.

    On SIGINT (Ctrl-C) or SIGTERM the run saves after the rollout under way, and ends with exit status 130 or 143. When
    its time of grace is over it ends at once, with the state after its last optimiser step: what it has of a rollout is
    lost, and sampled again by the resumed run. Several ranks then end before the next micro-batch, where they meet.

    The command line adds this callback to every fit; name it under `trainer.callbacks` to change `grace`.

    Args:
        grace: Seconds that the rollout under way may take to end.
    """

    def __init__(self, grace: float = 30.0) -> None:
        super().__init__(save_on_train_epoch_end=True)
        self.interruption = Interruption(grace)
        self._unsaved: dict[str, Any] | None = None  # the state after the last optimiser step, until it is saved
        self._between_rollouts = True

    def on_fit_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Takes over the signals, from now until the trainer ends."""
        after_signal_handlers(trainer, partial(self.interruption.watch, alarm=trainer.world_size == 1))

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        """Ends an interrupted run between rollouts, or when its time is over."""
        self._stop_here(trainer)

    on_train_epoch_start = on_train_batch_start

    def on_validation_batch_start(self, trainer: L.Trainer, module: L.LightningModule, *_: Any, **__: Any) -> None:
        """Ends an interrupted run, which will validate again."""
        if trainer.state.fn == "fit":
            self._stop_here(trainer)

    def on_before_optimizer_step(self, trainer: L.Trainer, module: L.LightningModule, optimizer: Any) -> None:
        """Lets no signal end the process before the step is taken and logged."""
        self.interruption.held = True

    def on_train_batch_end(
        self, trainer: L.Trainer, module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keeps the state after an optimiser step, besides the weights."""
        done = batch_idx + 1
        self._between_rollouts = done % module.schedule.micro_batches_per_rollout(trainer.world_size) == 0
        if done % trainer.accumulate_grad_batches == 0 and not trainer.fast_dev_run:
            self._unsaved = state_besides_weights(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Saves."""
        self.interruption.held = True
        super().on_train_epoch_end(trainer, module)
        self._unsaved = None

    def on_save_checkpoint(self, trainer: L.Trainer, module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Takes the state back to the last optimiser step when an interrupted run is saved."""
        if self._unsaved is not None and trainer.interrupted:
            own = {self.state_key: checkpoint["callbacks"][self.state_key]}
            loops = checkpoint["loops"] | self._unsaved["loops"]
            checkpoint |= self._unsaved | {"loops": loops, "callbacks": self._unsaved["callbacks"] | own}

    def on_exception(self, trainer: L.Trainer, module: L.LightningModule, exception: BaseException) -> None:
        """Saves an interrupted run and says how to resume it; Ctrl-C outside of training has its exit status too."""
        self.interruption.held = True
        if isinstance(exception, Interrupted):
            if self._unsaved is not None:
                save_now(self, trainer, self._unsaved["epoch"])
            say_how_to_resume(trainer, self._last_checkpoint_saved or trainer.ckpt_path)
        self.interruption.end()
        if isinstance(exception, KeyboardInterrupt):
            raise SystemExit(128 + signal.SIGINT)

    def on_train_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Gives the signals back: the run is saved."""
        self.interruption.end()

    def _find_last_checkpoints(self, trainer: L.Trainer) -> set[str]:
        """What `ckpt_path="last"` stands for."""
        newest = newest_checkpoint(Path(trainer.default_root_dir))
        return {str(newest)} if newest else set()

    def _stop_here(self, trainer: L.Trainer) -> None:
        number, over = self.interruption.agreed(trainer)
        if number and (over or self._between_rollouts):
            raise Interrupted(exit_status(trainer, number))
        self.interruption.held = False

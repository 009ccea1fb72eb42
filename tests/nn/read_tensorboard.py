# SPDX-License-Identifier: BSD-3-Clause
"""Prints the scalars that TensorBoard finds in a directory: tag, then step and value of each."""
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("skipped: no tensorboard")
    sys.exit()

print("scalars:", flush=True)
events = EventAccumulator(sys.argv[1])
events.Reload()
for tag in sorted(events.Tags()["scalars"]):
    print(tag, *(f"{event.step}:{event.value:g}" for event in events.Scalars(tag)))

"""`platematte train`: trains the network, in slices that can be continued anywhere."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from platematte.errors import InputMissing


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    parser.description = "Train the network for some minutes; a call with the same --out goes on."
    parser.add_argument("--out", required=True, type=Path, help="folder of the run")
    parser.add_argument("--data", type=Path, help="folder of licensed images; without: procedural")
    parser.add_argument(
        "--architecture",
        default="quality",
        choices=("quality", "fast", "mattingv2-mobilenetv2", "seed"),
        help="ours in two sizes, or a published one as a baseline",
    )
    parser.add_argument(
        "--begin-from", type=Path, help="weights that a new run begins with, where layers fit"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest this slice runs")
    parser.add_argument("--samples", type=int, help="end the run when it has seen so many")
    parser.add_argument("--rate", type=float, help="learning rate; default: the architecture's own")
    parser.add_argument("--rate-end", type=float, help="learning rate at the end; as at the start")
    parser.add_argument(
        "--optimizer",
        default="auto",
        choices=("auto", "muon", "adamw"),
        help="what moves the layers' matrices; default: what serves the architecture best",
    )
    parser.add_argument(
        "--both-ways",
        action="store_true",
        help="show each sample with the guess of the foreground and without; by default by lot",
    )
    parser.add_argument("--batch", type=int, default=8, help="samples a step")
    parser.add_argument("--side", type=int, default=0, help="side of the crops; 0: 192 and 320 px")
    versions = (3, 4, 5, 6, 7, 8)
    parser.add_argument(
        "--generator", type=int, choices=versions, default=8, help="version of the generator"
    )
    parser.add_argument(
        "--ahead", type=int, default=1, help="batches drawn at once; a GPU is busier with more"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of weights and samples")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "bf16", "fp32"),
        help="arithmetic of the layers; default: bf16 where the device computes it, else fp32",
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the training")
    parser.add_argument("--pack", type=Path, help="also write a small copy of the state, to keep")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Train one slice and print where the weights are."""
    if parsed.data is not None and not parsed.data.is_dir():
        raise InputMissing("there is no such folder of images", path=parsed.data)
    from platematte.network.device import choose_device
    from platematte.training.state import pack_state
    from platematte.training.train import TrainSettings, train

    logging.getLogger("platematte.training").setLevel(logging.INFO)
    batch = max(1, parsed.batch)
    mixed = ((batch, 192), (batch, 192), (max(1, batch // 2), 320))
    settings = TrainSettings(
        out=parsed.out,
        data=parsed.data,
        minutes=parsed.minutes,
        samples=parsed.samples,
        architecture=parsed.architecture,
        begin_from=parsed.begin_from,
        rate=parsed.rate,
        rate_end=parsed.rate_end,
        both_ways=parsed.both_ways,
        optimizer=parsed.optimizer,
        shapes=((batch, parsed.side),) if parsed.side else mixed,
        generator=parsed.generator,
        ahead=max(1, parsed.ahead),
        seed=parsed.seed,
        device=str(choose_device(parsed.device)),
        precision=parsed.precision,
        threads=parsed.threads,
    )
    print(train(settings))
    if parsed.pack is not None:
        pack_state(parsed.out, parsed.pack)
    return 0

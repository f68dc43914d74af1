"""`train`: fine-tune models on labelled questions of one's own."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.commands.options import EmbedderName, IndexFolder, settings_with


def train_reader(
    base: Annotated[
        str,
        typer.Option(
            "--base", metavar="MODEL", help="What to begin with: a folder or a Hugging Face name."
        ),
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="FOLDER", help="Where all is kept, checkpoints as well.")
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="FILE[=WEIGHT]",
            help="Labelled questions: SQuAD's JSON, or a line of JSON a question; .gz too. Each "
            "is asked WEIGHT times a pass (1 unless given). May be given several times.",
        ),
    ] = None,
    questions: Annotated[
        list[str] | None,
        typer.Option(
            "--questions",
            metavar="FILE[=WEIGHT]",
            help="Questions about documents of the index, as for pincite eval answers and "
            "calibrate. May be given several times.",
        ),
    ] = None,
    documents: Annotated[
        str,
        typer.Option(
            "--documents",
            metavar="FOLDER",
            help="The folder in which --questions name documents; this one unless given.",
        ),
    ] = ".",
    index: IndexFolder = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="N", help="How many batches to learn from."),
    ] = None,
    passes: Annotated[
        float | None,
        typer.Option(
            "--passes", metavar="X", help="The same as passes over the data (2 unless given)."
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", metavar="N", help="How many questions a batch has.")
    ] = 32,
    rate: Annotated[float, typer.Option("--rate", metavar="X", help="The learning rate.")] = 1.5e-4,
    warmup: Annotated[
        int, typer.Option("--warmup", metavar="N", help="Steps until the rate is reached.")
    ] = 100,
    cooldown: Annotated[
        float,
        typer.Option(
            "--cooldown", metavar="X", help="The share of the steps over which the rate falls."
        ),
    ] = 0.2,
    dropout: Annotated[
        float,
        typer.Option("--dropout", metavar="X", help="The share of activations that is dropped."),
    ] = 0.0,
    window: Annotated[
        int, typer.Option("--window", metavar="N", help="Tokens a sequence has at most.")
    ] = 256,
    relevance: Annotated[
        float,
        typer.Option(
            "--relevance",
            metavar="X",
            help="How much telling the right passage counts beside finding the span.",
        ),
    ] = 0.3,
    mining: Annotated[
        Literal["fused", "lexical", "none"],
        typer.Option(
            "--mining",
            help="How misleading passages are found: fused, as questions find them; lexical, "
            "which needs no embedding; or none.",
        ),
    ] = "fused",
    mined_share: Annotated[
        float,
        typer.Option("--mined-share", metavar="X", help="The share of questions that get one."),
    ] = 0.35,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(
            "--precision", help="What is multiplied in; auto is bf16 where the processor has it."
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Draws in another order.")] = 0,
    embedder: EmbedderName = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="What the reader is called; as the folder."),
    ] = None,
    licence: Annotated[
        str,
        typer.Option("--licence", metavar="SPDX", help="The licence that its weights are under."),
    ] = "unknown",
    measure: Annotated[
        int,
        typer.Option(
            "--measure", metavar="N", help="Read so many questions a set that were kept apart."
        ),
    ] = 300,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained on, and train nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fine-tune a reader on labelled questions, and quantize and measure it. Needs the hub extra.

    One article in forty is never trained on. Interrupted, the same command goes on where it was;
    with more steps, a training goes on that has ended. The result is a folder for --reader.
    """
    from service.training.reader import train
    from service.training.wanted import Amount, Numbers, Wanted

    place = _path(out)
    train(
        settings_with(index=index, embedder=embedder),
        Wanted(
            data=data or [],
            questions=questions or [],
            documents=_path(documents),
            base=base,
            out=place,
            name=name or place.name,
            licence=licence,
            mining=mining,
            measure=measure,
            dry_run=dry_run,
            as_json=as_json,
        ),
        Amount(steps, passes),
        Numbers(
            batch=batch,
            rate=rate,
            warmup=warmup,
            cooldown=cooldown,
            dropout=dropout,
            window=window,
            relevance=relevance,
            mined_share=mined_share,
            precision=precision,
            seed=seed,
        ),
    )


def _path(name: str) -> Path:
    return Path(name).expanduser()

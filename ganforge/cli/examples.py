"""A command that one would type, for the help of each verb."""

from __future__ import annotations

#: Words behind `ganforge` -> examples without it.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "new recipe": ("new recipe /data/xrays --out xrays.yaml", "new recipe /data/xrays/labels.csv"),
    "new plugin": ("new plugin ganforge-mylab --kind block",),
    "data check": ("data check /data/xrays data.patient='{patient}_*'",),
    "data prepare": ("data prepare xrays.yaml",),
    "data preview": ("data preview xrays.yaml --out sheet.png",),
    "data split": ("data split xrays.yaml --out split.csv",),
    "run": (
        "run recipes/dr_best.yaml data.root=/data/eyepacs",
        "run xrays.yaml training.batch=16 --dry-run",
    ),
    "resume": (
        "resume runs/00000-xrays",
        "resume runs/00000-xrays --from best stages[0].steps=4000",
    ),
    "check": ("check recipes/dr_best.yaml data.root=/data/eyepacs",),
    "show": ("show recipes/dr_best.yaml --resolved",),
    "freeze": ("freeze recipes/dr_transfer_cgan.yaml",),
    "ls": ("ls block", "ls block style"),
    "plugins": ("plugins",),
    "sample": ("sample runs/00000-xrays --label pneumonia --count 100 --out new",),
    "eval": ("eval runs/00000-xrays --metrics kd,prdc", "eval generated --real /data/xrays"),
    "export": ("export runs/00000-xrays --out xrays-gan --format safetensors,onnx",),
    "report": ("report runs/00000-xrays", "report runs/00000-xrays --serve"),
    "compare": ("compare runs/00000-xrays runs/00001-xrays --out both.html",),
    "schema": ("schema --out schema.json",),
    "doctor": ("doctor",),
    "weights ls": ("weights ls",),
    "weights fetch": ("weights fetch gp_gan_imagenet",),
    "weights verify": ("weights verify",),
    "weights convert": ("weights convert imagenet-8c505f47.pt weights/imagenet",),
    "weights card": ("weights card flowers_64",),
}


def example(verb: str) -> str:
    """The last lines of a verb's help. The backspace in front keeps them from being filled like a paragraph."""
    commands = EXAMPLES[verb]
    heading = "Example:" if len(commands) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  ganforge {words}" for words in commands)])

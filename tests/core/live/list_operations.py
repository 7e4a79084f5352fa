"""Prints core/platematte/live/torch_1_6.txt; to be run by a Python with torch 1.6.

Python 3.7 and torch alone.
"""

from __future__ import annotations

import re
import sys

import torch

# Operations of training, of other back ends and of quantised networks.
_LEFT_OUT = re.compile(
    r"^(_th|_cast|_cufft|special_)|backward|cudnn|mkldnn|miopen|sparse|quantized|fbgemm|_lstm|_gru"
    r"|fake_quant|^ops\.prim\.(Is|is_|Auto|Add|Mult|Broad|Redu|Fork|Pytho|profi|Fusion|Gradient"
    r"|CudaFus|rpc|Differ|Bailout)"
)


def split_arguments(text: str) -> list[str]:
    """Return the arguments of a schema: at commas outside of all brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def form_of(schema: str) -> str:
    """Return the form of a schema's arguments, as the table has it."""
    head = schema[: schema.rindex(") -> ")]
    places, keywords, is_keyword = "", [], False
    for argument in split_arguments(head[head.index("(") + 1 :]):
        declared = argument.split("=")[0]
        name = declared.split()[-1]
        if argument == "*":
            is_keyword = True
        elif argument == "...":
            places += "*"
        elif is_keyword:
            keywords.append(name)
        else:
            place = "o" if "=" in argument else "r"
            places += place.upper() if "?" in declared[: -len(name)] else place
    return places + (":" + ",".join(keywords) if keywords else "")


def main() -> None:
    """Print a line for each operation."""
    forms: dict[str, set[str]] = {}
    for schema in torch._C._jit_get_all_schemas():
        space, _, name = schema.name.partition("::")
        form = form_of(str(schema))
        if space in ("aten", "prim") and "out" not in form.partition(":")[2].split(","):
            forms.setdefault(name if space == "aten" else "ops.prim." + name, set()).add(form)
    for name in sorted(forms):
        if not _LEFT_OUT.search(name):
            sys.stdout.write(" ".join([name, *sorted(forms[name])]) + "\n")


if __name__ == "__main__":
    main()

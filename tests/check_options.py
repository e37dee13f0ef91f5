#!/usr/bin/env python3
"""Every option of the one table stands in the manual, as the table has it, and in
the samples in conf/.

  check_options.py OPTION_LIST          checks
  check_options.py OPTION_LIST --write  brings doc/callpace.yaml.5.scd up to date
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANUAL = ROOT / "doc/callpace.yaml.5.scd"
SAMPLES = {"main": "conf/callpace.yaml", "policy": "conf/policy.yaml",
           "roster": "conf/roster.yaml", "layout": "conf/switches/smdr/example.yaml"}


def listed(program, *arguments):
    return subprocess.run([program, *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def with_options(manual, name, entries):
    """The manual with what stands between the marks of this file replaced."""
    marks = re.compile(rf"(; begin {name}\n).*?(; end {name}\n)", re.S)
    if not marks.search(manual):
        sys.exit(f"{MANUAL}: the marks of {name} are missing")
    return marks.sub(lambda m: m[1] + entries + m[2], manual)


def missing_in_sample(sample, paths):
    text = (ROOT / sample).read_text(encoding="utf-8")
    keys = set(re.findall(r"(?:^|[\s{#,])([a-z_]+):(?:\s|$)", text, re.M))
    return [path for path in paths if path.rsplit(".", 1)[-1] not in keys]


def main(program, write):
    was = manual = MANUAL.read_text(encoding="utf-8")
    faults = []
    for name, sample in SAMPLES.items():
        manual = with_options(manual, name, listed(program, name))
        paths = listed(program, name, "--names").split()
        if not paths:
            faults.append(f"no option of {name} was listed")
        faults += [f"{sample}: {path} is missing" for path in missing_in_sample(sample, paths)]
    if write:
        MANUAL.write_text(manual, encoding="utf-8")
    elif manual != was:
        faults.append(f"{MANUAL.name} differs from the option table: run with --write")
    print("\n".join(faults) or "every option is in the manual and the samples")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--write" in sys.argv[2:]))

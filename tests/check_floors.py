#!/usr/bin/env python3
"""Reads every include of the daemon and its headers against the table of floors.

A file may include its own floor and any lower one; io files never include each
other (the config that describes them excepted); nothing includes in a circle."""
import pathlib
import re
import sys

FLOORS = ["base", "core", "dialect", "io", "engine"]
INCLUDE = re.compile(r'^\s*#\s*include\s+"callpace/(\w+)/(\w+)\.h"', re.M)


def main(root):
    faults, edges = [], {}
    for base in ("include/callpace", "daemon"):
        for path in sorted((root / base).glob("*/*.[ch]")):
            floor, own = path.parent.name, path.stem
            for target, name in INCLUDE.findall(path.read_text()):
                where = f"{path.relative_to(root)}: includes {target}/{name}.h"
                if target not in FLOORS:
                    faults.append(f"{where}: no such floor")
                elif FLOORS.index(target) > FLOORS.index(floor):
                    faults.append(f"{where}: a floor above its own")
                elif floor == target == "io" and own != name and not own.startswith(name + "_"):
                    faults.append(f"{where}: io files never include each other")
                if path.suffix == ".h":
                    edges.setdefault((floor, own), set()).add((target, name))
    state = {}

    def visit(node, trail):
        if state.get(node) == "done":
            return
        if state.get(node) == "open":
            faults.append("circle: " + " -> ".join("/".join(n) for n in trail + [node]))
            return
        state[node] = "open"
        for following in sorted(edges.get(node, ())):
            visit(following, trail + [node])
        state[node] = "done"

    for node in sorted(edges):
        visit(node, [])
    print("\n".join(faults) if faults else "floors: every include is in order")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(__file__).resolve().parent.parent))

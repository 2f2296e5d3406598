#!/usr/bin/env python3
"""Alerts and dashboard name only metrics that the daemon has."""

import json
import re

import tree

FOLDER = "docs/prometheus"
METRIC = re.compile(r"\bassent_[a-z_]+")
QUERIES = re.compile(r"expr: *(?:>-\n((?: {10,}.*\n)+)|(.*\n))")


def known(found):
    names = set()
    for path in found.files((".c",), "engine/core/engine_"):
        text = found.read(path)
        names.update(re.findall(r'"(assent_[a-z_]+)"', text))
        names.update(re.findall(r"# TYPE (assent_[a-z_]+) ", text))
    return names


def queries(found):
    """Each query with the file that has it."""
    alerts = f"{FOLDER}/alerts.yaml"
    for match in QUERIES.finditer(found.read(alerts)):
        yield alerts, match.group(1) or match.group(2)
    dashboard = f"{FOLDER}/dashboard.json"
    for panel in json.loads(found.read(dashboard))["panels"]:
        for target in panel["targets"]:
            yield dashboard, target["expr"]


def check(found):
    names = known(found)
    count = 0
    for path, query in queries(found):
        count += 1
        for name in METRIC.findall(query):
            if name not in names:
                found.find(path, 1, f"there is no metric '{name}'")
    if count < 10:
        found.find(FOLDER, 1, f"only {count} queries were found")


if __name__ == "__main__":
    tree.main(check, "lint.prometheus")

#!/usr/bin/env python3
"""The JSON Schema that editors get agrees with the loader: what the loader
takes is valid, and a misspelt or missing key, or an unknown word, is not."""

import json
import os
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as e:
    print(f"skip: {e}; install python3-yaml and python3-jsonschema")
    sys.exit(77)

BIN = os.path.join(os.environ["ASSENT_BIN"], "assent")
SOURCE = os.environ["ASSENT_SOURCE"]
CASES = os.path.join(SOURCE, "tests", "data", "rules")
# What a schema of one file can see: keys, words, kinds of values.
SEEN = ("[E020]", "[E021]", "[E022]", "[E023]", "[E024]", "[E039]")


class Loader(yaml.SafeLoader):
    """Dates stay text, as the loader has them; yes and no do, too."""


for letter, resolvers in list(Loader.yaml_implicit_resolvers.items()):
    Loader.yaml_implicit_resolvers[letter] = [
        (tag, regexp) for tag, regexp in resolvers
        if tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:null")
        or (tag == "tag:yaml.org,2002:bool" and letter in "tf")]


def schema():
    done = subprocess.run([BIN, "rules", "schema"], stdout=subprocess.PIPE,
                          check=True, text=True)
    return json.loads(done.stdout)


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)  # noqa: a loader of our own, safe


def main():
    kind = jsonschema.validators.validator_for(schema(), None)
    validator = (kind or jsonschema.Draft7Validator)(schema())
    failed = checked = 0
    packs = os.path.join(SOURCE, "rules", "packs")
    good = [os.path.join(packs, n) for n in sorted(os.listdir(packs))]
    bad = []
    for name in sorted(os.listdir(CASES)):
        folder = os.path.join(CASES, name)
        path = os.path.join(folder, "input")
        error = os.path.join(folder, "error")
        if not os.path.exists(error):
            good.append(path)
            continue
        with open(error, encoding="utf-8") as file:
            text = file.read()
        if any(code in text for code in SEEN) and "[E00" not in text:
            bad.append(path)
    for path in good:
        checked += 1
        for problem in validator.iter_errors(read(path)):
            failed += 1
            print(f"FAIL {path}: the loader takes it, the schema says "
                  f"{problem.message[:200]}")
    for path in bad:
        checked += 1
        if validator.is_valid(read(path)):
            failed += 1
            print(f"FAIL {path}: the loader refuses it, the schema does not")
    print(f"{checked} files, {failed} failed")
    sys.exit(1 if failed or len(bad) < 20 or len(good) < 5 else 0)


main()

#!/usr/bin/env python3
"""make-openapi.py OPENAPI SPEC RESULT: the description of the API, with the schemas of specs and results put in, on stdout.

Its own file because three files say what they know, and clients want one.
Changes when: the description takes in another schema.
"""
import json
import sys

# Keys that only a profile may have: a request with one is refused.
OF_PROFILES = ("description", "links", "closed_directories", "closed_files", "python", "preload", "scratch_executable", "mount_sources", "env_names")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def moved(schema, place):
    """With what it refers to inside of itself referred to where it stands now."""
    if isinstance(schema, dict):
        return {key: place + value[1:] if key == "$ref" and isinstance(value, str) else moved(value, place) for key, value in schema.items()}
    return [moved(one, place) for one in schema] if isinstance(schema, list) else schema


def part(path, name):
    schema = moved(load(path), "#/components/schemas/" + name)
    for key in ("$schema", "$id"):
        schema.pop(key, None)
    return schema


def main(openapi, spec, result):
    description = load(openapi)
    schemas = description["components"]["schemas"]
    schemas["Spec"], schemas["Result"] = part(spec, "Spec"), part(result, "Result")
    for key in OF_PROFILES:
        del schemas["Spec"]["properties"][key]
    json.dump(description, sys.stdout, separators=(",", ":"))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])

"""The files that say how the course is cited, changed and contributed to are valid, and say what is there."""

import re
import subprocess
import tomllib

import jsonschema
import pytest
import yaml
from places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CFF = {  # what the Citation File Format 1.2.0 asks for, of the parts that the course uses
    "type": "object",
    "required": ["cff-version", "message", "title", "authors"],
    "additionalProperties": False,
    "properties": {
        "cff-version": {"const": "1.2.0"},
        "type": {"enum": ["software", "dataset"]},
        **{name: {"type": "string"} for name in ("message", "title", "abstract", "version", "license")},
        "keywords": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "authors": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/author"}},
        "references": {
            "type": "array",
            "items": {
                "required": ["authors", "title", "type"],
                "additionalProperties": False,
                "properties": {
                    "authors": {"type": "array", "items": {"$ref": "#/$defs/author"}},
                    "title": {"type": "string"},
                    "type": {"enum": ["presentation", "article", "book", "conference-paper"]},
                    "notes": {"type": "string"},
                },
            },
        },
    },
    "$defs": {
        "author": {
            "oneOf": [
                {"required": ["name"], "additionalProperties": False, "properties": {"name": {}}},
                {
                    "required": ["family-names"],
                    "additionalProperties": False,
                    "properties": {"family-names": {"type": "string"}, "given-names": {"type": "string"}},
                },
            ]
        }
    },
}


def test_the_citation_is_valid_and_names_the_version_and_licence_of_the_project():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    jsonschema.validate(citation, CFF)
    project = PROJECT["project"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])


def test_the_changes_begin_with_what_is_not_released_and_name_this_version():
    found = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert found[:2] == ["Unreleased", PROJECT["project"]["version"]]


def test_every_path_and_command_of_the_page_for_contributors_is_there():
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    paths = set(re.findall(r"`((?:course_utils|tests|\.ci)/[\w./]*)`", page))
    to_be_made = re.compile(r"STEM|/name\.py|/where_the_tree_has_grown\.py")
    named = [path for path in paths if not to_be_made.search(path)]
    assert named and [path for path in named if not (ROOT / path).exists()] == []
    from course_utils.__main__ import main

    for verb in set(re.findall(r"-m course_utils (\w+)", page)):
        with pytest.raises(SystemExit) as stop:
            main([verb, "--help"])
        assert stop.value.code == 0
    assert len(page.splitlines()) < 80
    assert {pin.split("==")[0] for pin in PROJECT["dependency-groups"]["dev"]} == {"ruff", "basedpyright"}


def test_notebooks_keep_the_line_ends_of_unix_everywhere():
    line = ["git", "check-attr", "eol", "merge", "--", "notebooks/00_start_here.ipynb"]
    told = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    if told.returncode:
        pytest.skip("not a clone of git")
    assert "eol: lf" in told.stdout and "merge: unset" in told.stdout

"""The compose file and the image name only things that exist. (No container engine is needed for this.)"""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = [name for name, service in COMPOSE["services"].items() if "build" in service]
READERS = ("portal/settings.py", "portal/gunicorn.py", "portal/run/environment.py")


def words(service: dict[str, Any]) -> str:
    command = service["command"]
    return " ".join([*command, *service.get("healthcheck", {}).get("test", [])])


def test_all_services_are_there() -> None:
    assert set(COMPOSE["services"]) == {"db", "redis", "migrate", "web", "worker", "beat", "sandbox"}
    assert COMPOSE["services"]["sandbox"]["profiles"] == ["sandbox"]


@pytest.mark.parametrize("name", sorted(set(COMPOSE["services"]) - {"migrate"}))
def test_every_lasting_service_has_a_health_check(name: str) -> None:
    assert COMPOSE["services"][name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_runs_exists(name: str) -> None:
    command = words(COMPOSE["services"][name])
    modules = re.findall(r"(?:-m|-A) (\S+)", command) + re.findall(r"(\S+):application", command)
    assert modules or "manage.py" in command
    for module in modules:
        assert importlib.util.find_spec(module), module
    for path in re.findall(r"\S+\.py", command):
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_a_service_is_read(name: str) -> None:
    read = "".join((ROOT / path).read_text() for path in READERS)
    for variable in COMPOSE["services"][name].get("environment", {}):
        assert f'"{variable.removesuffix("_FILE")}"' in read.replace("'", '"'), variable


def test_every_variable_of_the_example_is_read() -> None:
    read = "".join((ROOT / path).read_text() for path in READERS).replace("'", '"')
    for variable in re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE):
        if variable.startswith("ANYMAIL_"):
            continue  # all of them are handed on, whatever their names
        assert f'"{variable}"' in read, variable


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_locked_down(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])


def test_the_image_copies_only_what_exists_and_does_not_run_as_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    for source in re.findall(r"^COPY (?!--from)(\S+) \S+$", text, re.MULTILINE):
        assert (ROOT / source).exists(), source
        assert f"!{source}\n" in (ROOT / ".dockerignore").read_text(), source
    assert re.search(r"^USER [1-9]\d*$", text, re.MULTILINE)

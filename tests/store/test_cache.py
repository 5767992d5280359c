"""The response cache: within its bound, never wrong, not stopped by its disk, the same after a crash."""

from __future__ import annotations

import asyncio
import logging
import random
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syrinx.store import cache as cache_module
from syrinx.store.audio_blob import encode_blob
from syrinx.store.blobs import FolderBlobs
from syrinx.store.cache import AudioCache
from syrinx.store.cache_folder import CacheFolder
from tests.store.audio import Ledger, MemoryBlobs, same, speech

SECOND = len(encode_blob("0", speech(1.0)))
"""Bytes of a second in a file."""


class Rig:
    """A cache with everything a test looks at."""

    def __init__(self, max_seconds: float = 10.0) -> None:
        self.blobs = MemoryBlobs()
        self.ledger = Ledger()
        self.now = 1000.0
        self.max_bytes = int(max_seconds * SECOND) + 100  # longer keys
        self.cache = self.new()

    def new(self) -> AudioCache:
        return AudioCache(self.blobs, self.max_bytes, self.ledger.change, wall_clock=lambda: self.now)

    async def reopen(self) -> None:
        """As after a crash: nothing of the cache before is left but its files and what the database was told."""
        await self.cache.close(0.0)
        self.cache = self.new()
        await self.cache.open(self.ledger.by_age())

    async def keep(self, *keys: str, seconds: float = 1.0, prompt: str = "") -> None:
        for key in keys:
            self.cache.keep(key, speech(seconds, seed=int(key)), prompt)
            await self.cache.settled()

    async def get(self, key: str):
        if not self.cache.holds(key):
            return None
        return self.cache.at_hand(key) or await self.cache.load(key)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.cache.open([])
    yield rig
    await rig.cache.close()


async def test_what_is_kept_is_there_at_once_and_written_soon(rig: Rig) -> None:
    rig.blobs.gate = asyncio.Event()
    rig.cache.keep("1", speech(1.0, seed=1))
    assert rig.cache.holds("1") and same(rig.cache.at_hand("1"), speech(1.0, seed=1))
    assert rig.cache.entries == 0
    rig.blobs.gate.set()
    await rig.cache.settled()
    assert (rig.cache.entries, rig.cache.stored_bytes) == (1, SECOND)
    assert rig.ledger.rows["1"].size == SECOND


async def test_a_short_answer_is_in_memory_and_a_long_one_is_read(rig: Rig) -> None:
    await rig.keep("1")
    await rig.keep("2", seconds=9.0)
    assert rig.cache.at_hand("1") is not None
    assert rig.cache.at_hand("2") is None
    assert same(await rig.cache.load("2"), speech(9.0, seed=2))


async def test_a_short_file_that_can_be_had_at_once_is_at_hand_after_a_restart(rig: Rig) -> None:
    await rig.keep("1", "2")
    await rig.keep("3", seconds=5.0)
    await rig.reopen()
    assert rig.cache.at_hand("1") is None
    rig.blobs.quick = True
    assert rig.cache.holds("1") and same(rig.cache.at_hand("1"), speech(1.0, seed=1))
    rig.blobs.quick = False
    assert rig.cache.at_hand("1") is not None and rig.cache.at_hand("2") is None
    rig.blobs.quick = True
    assert rig.cache.at_hand("3") is None
    assert rig.blobs.reads == 0


async def test_a_harmed_file_that_can_be_had_at_once_is_not_at_hand(rig: Rig) -> None:
    await rig.keep("1")
    await rig.reopen()
    rig.blobs.quick = True
    whole = rig.blobs.files["1"]
    rig.blobs.files["1"] = whole[:-1] + bytes([whole[-1] ^ 1])
    assert rig.cache.at_hand("1") is None and rig.cache.holds("1")
    assert await rig.cache.load("1") is None
    assert rig.cache.counts.corrupt == 1 and not rig.cache.holds("1")


async def test_memory_is_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "MEMORY_BYTES", int(2.5 * 24_000 * 4))
    await rig.keep("1", "2", "3")
    assert [rig.cache.at_hand(key) is not None for key in "123"] == [False, True, True]
    rig.cache.at_hand("2")
    await rig.keep("4")
    assert [rig.cache.at_hand(key) is not None for key in "1234"] == [False, True, False, True]


async def test_the_longest_unused_goes_first(rig: Rig) -> None:
    await rig.keep(*map(str, range(10)))
    assert rig.cache.holds("0")
    await rig.keep("10", "11")
    assert [key for key in map(str, range(12)) if not rig.cache.holds(key)] == ["1", "2"]
    assert rig.cache.counts.evictions == 2
    assert set(rig.blobs.files) == set(rig.ledger.rows)
    assert rig.blobs.most <= rig.max_bytes


async def test_what_is_longer_than_the_bound_is_not_kept(rig: Rig) -> None:
    await rig.keep("1")
    await rig.keep("2", seconds=11.0)
    assert rig.cache.holds("1") and not rig.cache.holds("2")
    assert rig.cache.counts.evictions == 0


async def test_the_database_hears_of_a_use_now_and_then(rig: Rig) -> None:
    await rig.keep("1")
    rig.now += 59
    rig.cache.holds("1")
    assert rig.ledger.rows["1"].used_at == 1000
    rig.now += 1
    rig.cache.holds("1")
    assert rig.ledger.rows["1"].used_at == 1060


async def test_after_a_restart_the_order_of_use_is_known(rig: Rig) -> None:
    for key in map(str, range(10)):
        await rig.keep(key)
        rig.now += 100
    rig.cache.holds("0")
    await rig.reopen()
    assert rig.cache.stored_bytes == 10 * SECOND
    await rig.keep("10")
    assert rig.cache.holds("0") and not rig.cache.holds("1")
    assert same(await rig.get("0"), speech(1.0, seed=0))


async def test_files_without_an_entry_and_entries_without_a_file_are_removed_at_the_start(rig: Rig) -> None:
    await rig.keep("1", "2")
    rig.blobs.files["stray"] = b"x" * 100
    del rig.blobs.files["2"]
    await rig.reopen()
    await rig.cache.settled()
    assert set(rig.blobs.files) == set(rig.ledger.rows) == {"1"}
    assert rig.cache.stored_bytes == SECOND


async def test_a_smaller_bound_holds_from_the_start(rig: Rig) -> None:
    await rig.keep(*map(str, range(10)))
    rig.max_bytes = 3 * SECOND
    await rig.reopen()
    await rig.cache.settled()
    assert set(rig.blobs.files) == {"7", "8", "9"}


@pytest.mark.parametrize("harm", ["torn", "flipped", "gone", "swapped", "unreadable"])
async def test_a_harmed_file_is_a_miss_and_forgotten(rig: Rig, harm: str) -> None:
    await rig.keep("1", "2", seconds=6.0)
    await rig.keep("2", seconds=6.0)
    files = rig.blobs.files
    whole = files["2"]
    files["2"] = {
        "torn": whole[:1000],
        "flipped": whole[:-1] + bytes([whole[-1] ^ 1]),
        "swapped": encode_blob("1", speech(6.0, seed=1)),
    }.get(harm, whole)
    if harm == "gone":
        del files["2"]
    rig.blobs.broken = harm == "unreadable"
    assert await rig.cache.load("2") is None
    rig.blobs.broken = False
    assert not rig.cache.holds("2")
    assert rig.cache.counts.corrupt == 1
    await rig.cache.settled()
    assert "2" not in files and "2" not in rig.ledger.rows
    await rig.keep("2", seconds=6.0)
    assert same(await rig.cache.load("2"), speech(6.0, seed=2))


async def test_a_full_disk_means_no_caching_and_one_line(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    await rig.keep("1")
    rig.blobs.full = True
    with caplog.at_level(logging.ERROR):
        await rig.keep("2", "3", "4")
    assert [record.message for record in caplog.records] == [
        "Responses cannot be kept (said once until it works again): [Errno 28] No space left on device"
    ]
    assert rig.cache.holds("1") and not any(rig.cache.holds(key) for key in "234")
    assert rig.cache.counts.unwritten == 3
    rig.blobs.full = False
    await rig.keep("2")
    assert rig.cache.holds("2")


async def test_a_folder_that_cannot_be_used_leaves_the_cache_shut(caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.blobs.broken = True
    with caplog.at_level(logging.ERROR):
        await rig.cache.open([])
    rig.cache.keep("1", speech(1.0))
    assert not rig.cache.holds("1") and not rig.cache.is_open
    assert "cannot be used: no such disk" in caplog.text
    await rig.cache.close()


async def test_what_waits_for_a_slow_disk_is_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "PENDING_BYTES", 3 * 24_000 * 4)
    rig.blobs.gate = asyncio.Event()
    for key in "12345":
        rig.cache.keep(key, speech(1.0, seed=int(key)))
    assert [rig.cache.holds(key) for key in "12345"] == [True, True, True, False, False]
    assert rig.cache.counts.unwritten == 2
    rig.blobs.gate.set()
    await rig.cache.settled()
    assert rig.cache.entries == 3


async def test_a_disk_that_hangs_does_not_hang_the_end(rig: Rig) -> None:
    rig.blobs.gate = asyncio.Event()
    rig.cache.keep("1", speech(1.0))
    await rig.cache.close(0.01)
    assert not rig.cache.holds("1")


async def test_a_deleted_voice_takes_its_audio_with_it(rig: Rig) -> None:
    await rig.keep("1", "2", prompt="gone")
    await rig.keep("3", prompt="other")
    await rig.keep("4")
    rig.blobs.gate = asyncio.Event()
    rig.cache.keep("5", speech(1.0, seed=5), "gone")
    await asyncio.sleep(0)
    rig.cache.only_voices({"other", "new"})
    assert [key for key in "12345" if rig.cache.holds(key)] == ["3", "4"]
    rig.blobs.gate.set()
    await rig.cache.settled()
    assert set(rig.blobs.files) == set(rig.ledger.rows) == {"3", "4"}


async def test_a_voice_that_was_deleted_while_no_server_ran_is_forgotten_at_the_start(rig: Rig) -> None:
    await rig.keep("1", prompt="gone")
    await rig.keep("2", prompt="other")
    await rig.keep("3")
    await rig.cache.close()
    rig.cache = rig.new()
    rig.cache.only_voices({"other"})
    await rig.cache.open(rig.ledger.by_age())
    await rig.cache.settled()
    assert set(rig.blobs.files) == set(rig.ledger.rows) == {"2", "3"}


async def test_a_shut_cache_holds_and_keeps_nothing() -> None:
    rig = Rig()
    rig.cache.keep("1", speech(1.0))
    assert not rig.cache.holds("1")
    await rig.cache.close()


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["keep", "get", "settle", "crash", "lose", "harm", "full", "mend", "forget"]), st.integers(0, 7)
    ),
    max_size=60,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(OPERATIONS, st.integers(0, 2**32))
def test_whatever_happens_the_bound_holds_and_no_audio_is_wrong(operations: list[tuple[str, int]], seed: int) -> None:
    asyncio.run(_live_through(operations, random.Random(seed)))


async def _live_through(operations: list[tuple[str, int]], draw: random.Random) -> None:
    """Lengths differ by key, so that what is evicted for what varies; the database may lose what it was told last."""
    rig = Rig(max_seconds=0.5)
    await rig.cache.open([])
    for operation, number in operations:
        key = str(number)
        if operation == "keep":
            rig.cache.keep(key, speech(0.05 * (number + 1), seed=number), f"voice{number % 3}")
        elif operation == "get":
            found = await rig.get(key)
            assert found is None or same(found, speech(0.05 * (number + 1), seed=number))
        elif operation == "settle":
            await rig.cache.settled()
        elif operation == "crash":
            await rig.reopen()
        elif operation == "lose" and rig.ledger.rows:
            rig.ledger.rows.pop(draw.choice(sorted(rig.ledger.rows)))
        elif operation == "harm" and key in rig.blobs.files:
            data = rig.blobs.files[key]
            rig.blobs.files[key] = data[: draw.randrange(len(data))] + draw.randbytes(3)
        elif operation in ("full", "mend"):
            rig.blobs.full = operation == "full"
        elif operation == "forget":
            rig.cache.only_voices({f"voice{other}" for other in range(3) if other != number % 3})
        assert rig.cache.stored_bytes <= rig.max_bytes
    await rig.cache.settled()
    assert rig.blobs.most <= rig.max_bytes
    await rig.cache.close()


# --- real files ----------------------------------------------------------------------------------------------------


async def test_files_are_whole_and_this_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "audio"
    blobs = FolderBlobs(folder)
    await blobs.put("a" * 64, b"audio")
    assert await blobs.read("a" * 64, bytes) == b"audio"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / ("a" * 64)).stat().st_mode) == 0o600
    (folder / ("b" * 64 + "#1")).write_bytes(b"half")  # what a kill in the middle of a write leaves
    assert await blobs.sizes() == {"a" * 64: 5}
    assert [path.name for path in folder.iterdir()] == ["a" * 64]
    await blobs.delete("a" * 64)
    await blobs.delete("a" * 64)
    with pytest.raises(FileNotFoundError):
        await blobs.read("a" * 64, bytes)


async def test_a_glance_gives_a_file_of_that_size_or_nothing(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path)
    await blobs.put("a", b"audio")
    assert blobs.glance("a", 5) in (b"audio", None)  # None where the system cannot tell, or has let go of it
    assert blobs.glance("a", 4) is None and blobs.glance("a", 6) is None
    assert blobs.glance("b", 5) is None


async def test_a_folder_that_is_gone_is_an_os_error(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "file" / "audio")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError):
        await blobs.sizes()
    with pytest.raises(OSError):
        await blobs.put("a", b"")


async def test_a_real_cache_outlives_its_process(tmp_path: Path) -> None:
    ledger = Ledger()
    for _ in range(2):
        cache = AudioCache(FolderBlobs(tmp_path), 10 * SECOND, ledger.change)
        await cache.open(ledger.by_age())
        if cache.holds("1"):
            assert same(await cache.load("1"), speech(0.5, 0.5, seed=1))
            break
        cache.keep("1", speech(0.5, 0.5, seed=1))
        await cache.close()
    else:
        pytest.fail("nothing was kept")
    await cache.close()


def test_a_folder_is_one_processs_at_a_time_and_keeps_its_name(tmp_path: Path) -> None:
    first, second = CacheFolder(tmp_path / "cache"), CacheFolder(tmp_path / "cache")
    name = first.take()
    assert name and second.take() is None
    first.release()
    assert second.take() == name
    second.release()
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "cache").iterdir()} == {
        "lock": 0o600,
        "name": 0o600,
    }
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700

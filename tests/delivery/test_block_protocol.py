"""Block delivery without a wire: its messages, its bitmap, and what is on the disk when it stops."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.core.errors import EdgekitError
from edgekit.delivery import block_protocol, download_session, partial_file

cbor2 = pytest.importorskip("cbor2")

BLOCK, COUNT = 1024, 40
DATA = random.Random(6).randbytes(BLOCK * COUNT - 300)  # the last block is short


@contextmanager
def scratch():
    """A folder for one example, and a disk that takes no time."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(partial_file, "sync", lambda file: file.flush())
        yield Path(folder)


def test_the_bitmap_is_read_as_the_service_it_comes_from_reads_it():
    """The example of the AWS IoT developer guide: blocks 20, 21, 24 and 43, and their order."""
    request = {"c": "1", "l": 256, "f": 0, "o": 20, "n": 32, "b": bytes.fromhex("130080")}
    sent = list(block_protocol.respond({"s": DATA}, "s", "get", cbor2.dumps(request)))
    assert [m["i"] for _, m in sent] == [20, 21, 24, 43]
    assert [m["p"] for _, m in sent] == [DATA[i * 256 : (i + 1) * 256] for i in (20, 21, 24, 43)]
    assert {m["c"] for _, m in sent} == {"1"}


numbers = st.integers(-2, 2**40) | st.sampled_from([0, 256, 1024, 131_072, 131_073])
values = (
    numbers
    | st.binary(max_size=40)
    | st.text(max_size=9)
    | st.none()
    | st.lists(numbers, max_size=2)
)


@given(
    st.binary(max_size=200) | st.dictionaries(st.sampled_from("csflonb"), values).map(cbor2.dumps),
    st.sampled_from(["get", "describe"]),
)
def test_any_request_gets_an_answer_and_no_more_than_its_share(payload, kind):
    sent = list(block_protocol.respond({"update": DATA}, "update", kind, payload))
    assert sum(len(m["p"]) for answer, m in sent if answer == "data") <= block_protocol.ANSWER_MOST
    for answer, m in sent:
        if answer == "data":
            block = cbor2.loads(payload)["l"]
            assert m["p"] == DATA[m["i"] * block : (m["i"] + 1) * block] != b""
    if kind == "describe" or any(answer == "rejected" for answer, _ in sent):
        assert len(sent) == 1


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_whatever_is_lost_the_file_is_whole_and_nothing_comes_twice(data):
    """A wire that keeps the order and breaks at any message, seen from the device: what was on its way is
    lost in part, the rest arrives behind the new connection, and not one block comes twice."""
    with scratch() as folder:
        _lossy(data, folder / "x")


def _lossy(data, to):
    size, block = data.draw(st.integers(1, 9_000)), data.draw(st.sampled_from([256, 300, 1024]))
    content = random.Random(size).randbytes(size)
    device = download_session.DownloadSession(
        to, "s", None, 1 << 20, block, data.draw(st.integers(1, 9)), None
    )
    wire: list[tuple[str, bytes]] = []

    def publish(kind, message):
        for answer, said in block_protocol.respond({"s": content}, "s", kind, cbor2.dumps(message)):
            wire.append((answer, cbor2.dumps(said)))

    device.begin(publish)
    breaks = data.draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=6))
    for after, lost in breaks:
        for _ in range(min(after, len(wire))):
            device.handle_message(*wire.pop(0))
        if device.done:
            break
        del wire[:lost]
        device.begin(publish)
    while not device.done:
        assert wire, "the device waits for nothing"
        device.handle_message(*wire.pop(0))
    done = device.finish(1.0)
    assert to.read_bytes() == content
    assert done.repeated == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5_000), st.randoms(use_true_random=False))
def test_blocks_in_any_order_and_with_any_stops(size, chance):
    with scratch() as folder:
        _shuffled(size, chance, folder / "x")


def _shuffled(size, chance, to):
    content = random.Random(size).randbytes(size)
    digest = hashlib.sha256(content).digest()
    blocks = partial_file.PartialFile(to, digest, size, 256)
    order, kept = list(range(blocks.count)) * 2, set()
    chance.shuffle(order)
    for i in order:
        if chance.random() < 0.2:
            blocks.close()
            blocks = partial_file.PartialFile(to, digest, size, chance.choice([256, 512]))
            assert {k for k in range(blocks.count) if blocks.has(k)} == kept
        assert blocks.put(i, content[i * 256 : (i + 1) * 256]) == (i not in kept)
        kept.add(i)
    blocks.finish()
    assert to.read_bytes() == content


@pytest.mark.parametrize(
    "spoil", [lambda r: r[:-1], lambda r: b"", lambda r: bytes(len(r)), lambda r: r + b"x"]
)
def test_a_spoilt_bitmap_is_not_believed(tmp_path, spoil):
    to, digest = tmp_path / "x", hashlib.sha256(DATA).digest()
    blocks = partial_file.PartialFile(to, digest, len(DATA), BLOCK)
    blocks.put(0, DATA[:BLOCK])
    blocks.close()
    blocks.map.write_bytes(spoil(blocks.map.read_bytes()))
    again = partial_file.PartialFile(to, digest, len(DATA), BLOCK)
    assert again.resumed_bytes == 0
    again.close()


def test_a_block_is_on_the_disk_before_its_bit_is_written(tmp_path, monkeypatch):
    """Power may go at any write: at each sync, the bitmap on the disk names only blocks synced before."""
    to, digest, seen = tmp_path / "x", hashlib.sha256(DATA).digest(), []
    blocks = partial_file.PartialFile(to, digest, len(DATA), BLOCK)

    def sync(file):
        file.flush()
        seen.append((file is blocks._part, blocks.map.read_bytes()[partial_file.HEAD.size] & 1))

    monkeypatch.setattr(partial_file, "sync", sync)
    blocks.put(0, DATA[:BLOCK])
    assert seen == [(True, 0)]
    assert blocks.map.read_bytes()[partial_file.HEAD.size] & 1
    blocks.close()


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(partial_file, "sync", full)
    with pytest.raises(EdgekitError, match="No space left"):
        partial_file.PartialFile(tmp_path / "x", bytes(32), 10, 256)
    assert not list(tmp_path.iterdir()), "the disk is still full"


class Walked(bytearray):
    """A bitmap that counts who looks at it."""

    looks = 0

    def __getitem__(self, at):
        Walked.looks += 1
        return super().__getitem__(at)


def test_many_blocks_are_walked_over_once(tmp_path, monkeypatch):
    """The first block is lost and everything else comes: it is not looked for again at each of the others."""
    monkeypatch.setattr(partial_file, "sync", lambda file: file.flush())
    count = 20_000
    device = download_session.DownloadSession(tmp_path / "x", "s", None, 1 << 30, 256, 16, None)
    asked = []
    device.begin(lambda kind, message: asked.append((kind, message)))
    entry = {"f": 0, "z": 256 * count, "h": bytes(32)}
    device.handle_message("description", cbor2.dumps({"c": asked.pop()[1]["c"], "r": [entry]}))
    device.blocks.bits = Walked(device.blocks.bits)
    while asked:
        _, get = asked.pop(0)
        bits = int.from_bytes(get["b"], "little")
        for i in (get["o"] + k for k in range(bits.bit_length()) if bits >> k & 1):
            if i:
                message = {"c": get["c"], "f": 0, "l": 256, "i": i, "p": bytes(256)}
                device.handle_message("data", cbor2.dumps(message))
    assert device.blocks.got == 256 * (count - 1)
    assert Walked.looks < 6 * count
    device.describe()
    device.handle_message("description", cbor2.dumps({"c": asked.pop()[1]["c"], "r": [entry]}))
    assert asked.pop()[1]["o"] == 0, "the block that was lost is asked for again"
    device.close()


def test_the_largest_request_is_answered_at_once():
    """A server that shifts a bitmap of 12 KB once for each of its bits answers nobody else meanwhile."""
    files = {"s": bytes(256 * 8 * block_protocol.BITMAP_MOST)}
    block_protocol.digest_of(files["s"])
    spent = []
    for bits in (
        b"\xff" * block_protocol.BITMAP_MOST,
        bytes(block_protocol.BITMAP_MOST - 1) + b"\x80",
    ):
        request = cbor2.dumps({"c": "1", "l": 256, "f": 0, "o": 0, "n": 1 << 20, "b": bits})
        start = time.process_time()
        sent = list(block_protocol.respond(files, "s", "get", request))
        spent.append(time.process_time() - start)
        assert sent[0][0] == "data"
    assert max(spent) < 0.1


def test_a_message_that_unfolds_without_end_is_none():
    """CBOR's shared references: each of a few arrays holds the one before many times over."""
    bomb: object = ["x"]
    for _ in range(6):
        bomb = [bomb] * 9
    shared = cbor2.dumps({"o": bomb, "m": "no"}, value_sharing=True)
    assert len(shared) < 300
    assert block_protocol.decode(shared, 1024) is None
    for tag in (2, 3, 28, 29, 30, 35, 258, 1000, 55_799):
        assert block_protocol.decode(cbor2.dumps({"o": cbor2.CBORTag(tag, b"1")}), 1024) is None


@pytest.mark.parametrize("what", ["part", "map"])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_no_block_is_written_through_a_link(tmp_path, what, link):
    to, digest = tmp_path / "x", hashlib.sha256(DATA).digest()
    blocks = partial_file.PartialFile(to, digest, len(DATA), BLOCK)
    blocks.put(0, DATA[:BLOCK])
    blocks.close()
    mine = tmp_path / "mine"  # what an earlier attempt left, and goes on to be somebody's
    (tmp_path / f"x.{what}").rename(mine)
    link(mine, tmp_path / f"x.{what}")
    before = mine.read_bytes()
    blocks = partial_file.PartialFile(to, digest, len(DATA), BLOCK)
    assert blocks.resumed_bytes == 0
    for i in range(blocks.count):
        blocks.put(i, DATA[i * BLOCK : (i + 1) * BLOCK])
    blocks.finish()
    assert mine.read_bytes() == before
    assert (to.read_bytes(), to.is_symlink()) == (DATA, False)

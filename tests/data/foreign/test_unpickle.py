from __future__ import annotations

import copyreg
import io
import os
import pickle
import tracemalloc
from collections import OrderedDict
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.data.foreign.unpickle import load_pickle, load_stream
from crossspace.errors import DataError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def load(data: bytes, encoding: str = "latin-1"):
    return load_stream(io.BytesIO(data), "test.pkl", encoding)


class Calls:
    """Pickles to a call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_containers_numbers_and_strings_come_as_they_were(protocol):
    value = {
        "list": [1, -(2**80), 1.5, True, None, "é 🙂", b"\x00\xff", b""],
        3: (set("ab"), frozenset([1, 2]), 2 + 3j),
        "ordered": OrderedDict(a=1),
        "nested": {"a": [[[{}]]]},
    }
    assert load(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(4, dtype=">i2"),
        np.array(["a", "bcé"]),
        np.array([b"a", b"bc"]),
        np.array(3.5),
        np.zeros((0, 5)),
        np.array([True, False]),
        np.arange(10)[::2],
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_come_as_they_were(protocol, array):
    found = np.asarray(load(pickle.dumps([array], protocol))[0])
    assert type(found) is np.ndarray
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert np.array_equal(found, array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_scalars_and_arrays_of_objects_come_as_they_were(protocol):
    objects = np.array([1, "a", [2.0], None], dtype=object)
    number, found = load(pickle.dumps((np.float64(1.5), objects), protocol))
    assert number == 1.5
    assert found.tolist() == [1, "a", [2.0], None]


def test_module_names_of_old_and_new_numpy_are_known():
    data = pickle.dumps(np.arange(3), 2)
    assert b"numpy._core.multiarray" in data or b"numpy.core.multiarray" in data
    old = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    new = old.replace(b"numpy.core.multiarray", b"numpy._core.multiarray")
    assert np.array_equal(load(old), load(new))


def test_strings_and_arrays_of_python_2_are_read_as_latin_1():
    assert load(b"\x80\x02U\x02\xe9!q\x01.") == "é!"
    raw = np.array([1.5, -2.0]).tobytes()
    dtype = b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01K\x02\x85" + dtype + b"\x89"
    data = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R" + state
    data += b"U" + bytes([len(raw)]) + raw + b"tb."
    assert np.asarray(load(data)).tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (os.system, f"{os.system.__module__}.system"),
        (eval, "builtins.eval"),
        (exec, "builtins.exec"),
        (getattr, "builtins.getattr"),
        (__import__, "builtins.__import__"),
        (open, r"_?io.open"),
        (np.load, "numpy.load"),
        (pickle.loads, "_?pickle.loads"),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"a": [(1, x)]}, lambda x: np.array([x, 1], dtype=object)])
def test_functions_are_refused_by_name_and_not_called(tmp_path, function, name, protocol, wrap):
    mark = tmp_path / "executed"
    data = pickle.dumps(wrap(Calls(function, f"open({str(mark)!r}, 'w')")), protocol)
    with pytest.raises(DataError, match=rf"asks for ({name}|__builtin__\.\w+), which is refused; nothing was executed"):
        load(data)
    assert not mark.exists()


@pytest.mark.parametrize(
    "name", ["numpy\nndarray.__class__", "os\nsystem", "numpy\nfromfile", "builtins\ndict", "builtins\ngetattr"]
)
def test_names_off_the_list_are_refused(name):
    with pytest.raises(DataError, match="asks for " + name.replace("\n", ".")):
        load(b"c" + name.encode() + b"\n.")


def test_persistent_ids_classes_and_buffers_outside_are_refused():
    for data in (b"Pabc\n.", b"\x80\x02U\x03abcQ."):
        with pytest.raises(DataError, match="an external object"):
            load(data)
    for data in (b"(ios\nsystem\n.", b"(cos\nsystem\no.", b"cnumpy\nndarray\n)\x81.", b"\x80\x05\x97."):
        with pytest.raises(DataError, match="which is refused; nothing was executed"):
            load(data)


def test_an_extension_code_that_the_process_knows_does_not_bypass_the_list():
    copyreg.add_extension("posix", "system", 77)
    try:
        pickle.loads(b"\x80\x02\x82\x4d.")
        with pytest.raises(DataError, match="an extension code"):
            load(b"\x80\x02\x82\x4d.")
    finally:
        copyreg.remove_extension("posix", "system", 77)


def test_state_cannot_be_pushed_into_what_is_on_the_list():
    build = b"}U\x04nameU\x05valuesb."
    for name in (b"numpy\nndarray", b"numpy\ndtype", b"_codecs\nencode", b"numpy.core.multiarray\n_reconstruct"):
        with pytest.raises(DataError, match="a change of"):
            load(b"\x80\x02c" + name + b"\n" + build)


def test_what_may_be_called_is_no_value():
    for data in (b"cnumpy\nndarray\n.", b"](cnumpy\nndarray\ne.", b"cnumpy\nndarray\n\x85q\x00](h\x00e."):
        with pytest.raises(DataError):
            load(b"\x80\x02" + data)


def _array(code: str, state: tuple, shape: tuple = (1,), raw: object = b"\x00" * 8) -> bytes:
    """An array pickle put together by hand: each part is honest pickle, the whole need not be."""

    def push(value):
        return pickle.dumps(value, 2)[2:-1].replace(b"q\x00", b"").replace(b"q\x01", b"").replace(b"q\x02", b"")

    kind = b"cnumpy\ndtype\n" + push((code, False, True)) + b"R" + push(state) + b"b"
    head = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return head + b"(K\x01" + push(shape) + kind + b"\x89" + push(raw) + b"tb."


PLAIN = (3, "<", None, None, None, -1, -1, 0)


def test_hand_made_arrays_are_read():
    assert np.asarray(load(_array("i8", PLAIN, raw="\x07" + "\x00" * 7))).tolist() == [7]


@pytest.mark.parametrize(
    "data",
    [
        _array("O8", (3, "|", None, None, None, -1, -1, 63), raw="\x41" * 8),
        _array("O8", (3, "|", None, None, None, -1, -1, 0), raw="\x41" * 8),
        _array("V8", (3, "|", None, ("a",), {"a": ("O", 0)}, 8, 8, 0)),
        _array("i8", (3, "<", None, ("a",), {"a": ("O", 0)}, 8, 8, 0)),
        _array("f4,O", PLAIN),
        _array("M8", PLAIN),
        _array("i8", PLAIN, shape=(-1,)),
        _array("i8", PLAIN, shape=(2**40,)),
        _array("i8", PLAIN, raw=["a"]),
        _array("i8", PLAIN, raw="short"),
    ],
    ids=range(10),
)
def test_arrays_that_could_forge_memory_are_refused(data):
    with pytest.raises(DataError):
        load(data)


def test_an_object_scalar_is_refused():
    data = pickle.dumps(np.float64(1), 2).replace(b"f8", b"O8")
    with pytest.raises(DataError, match="a scalar that is an object"):
        load(data)


def test_every_truncation_is_named(tmp_path):
    data = pickle.dumps({"a": [np.arange(20.0), "text", 1]}, 2)
    for stop in range(len(data)):
        with pytest.raises(DataError, match=r"Found damage at byte \d+: it (ends|takes)"):
            load(data[:stop])
    (tmp_path / "cut.pkl").write_bytes(data[:30])
    with pytest.raises(DataError, match=r"cut.pkl: a pickle of .* Found damage"):
        load_pickle(tmp_path / "cut.pkl")
    with pytest.raises(DataError, match=r"none.pkl: .* Found nothing"):
        load_pickle(tmp_path / "none.pkl")


def _deep(innermost: bytes, levels: int = 300_000) -> bytes:
    return b"\x80\x02})" + b"\x85" * levels + innermost


def _doubled(opcode: bytes, times: int) -> bytes:
    """A container that holds the one before it twice, and so on."""
    return b"\x80\x02]" + b"".join(b"q%c(h%ch%c" % (i, i, i) + opcode for i in range(times)) + b"."


ABSURD = {
    "a key that is nested deeply": _deep(b"K\x01s."),
    "a set of what is nested deeply": b"\x80\x04\x8f()" + b"\x85" * 300_000 + b"\x90.",
    "a frozen set of what is nested deeply": b"\x80\x04()" + b"\x85" * 300_000 + b"\x91.",
    "lists nested deeply": b"]" * 300_000 + b"a" * 299_999 + b".",
    "tuples doubled": _doubled(b"t", 40),
    "lists doubled": _doubled(b"l", 40),
    "a number of a value beyond all measure": b"Np134217728\n.",
    "the same with four bytes": b"\x80\x02Nr\xff\xff\xff\xff.",
    "bytes that are not there": b"\x80\x04B\xff\xff\xff\x7f.",
    "long bytes that are not there": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.",
    "a byte array that is not there": b"\x80\x05\x96" + b"\xff" * 7 + b"\x7f.",
    "text that is not there": b"\x80\x04X\xff\xff\xff\x7f.",
    "a number that is not there": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "a number of very many digits": b"I" + b"9" * 100_000 + b"\n.",
    "a frame that is not there": b"\x80\x04\x95" + b"\xff" * 8 + b".",
    "sets without end": b"\x80\x04" + b"\x8f" * 700_000 + b".",
    "a list that holds itself": b"\x80\x02]q\x00(h\x00e.",
    "a list that grows when it is in use": b"\x80\x02]q\x00](h\x00eh\x00(K\x01e0.",
    "the same text encoded again and again": b"\x80\x02c_codecs\nencode\nq\x00X\xff\xff\x00\x00"
    + b"a" * 0xFFFF
    + b"q\x01U\x06latin1q\x02"
    + b"h\x00h\x01h\x02\x86R" * 1000
    + b".",
}


@pytest.mark.parametrize("name", ABSURD)
def test_what_is_beyond_all_measure_ends_well_in_little_memory(name):
    tracemalloc.start()
    try:
        if "a value beyond" in name or "the same with four" in name:
            assert load(ABSURD[name]) is None
        else:
            with pytest.raises(DataError, match="Found damage"):
                load(ABSURD[name])
        assert tracemalloc.get_traced_memory()[1] < 400e6
    finally:
        tracemalloc.stop()


def test_a_second_pickle_behind_the_first_is_not_passed_over():
    whole = pickle.dumps([1], 4)
    assert load(whole + b"\n\0") == [1]
    with pytest.raises(DataError, match="Found more behind its end"):
        load(whole + whole)


def test_arrays_that_are_named_twice_are_one_and_complete():
    array = np.arange(3.0)
    for protocol in PROTOCOLS:
        one, other, words = load(pickle.dumps((array, array, ["a", "a"]), protocol))
        assert one is other
        assert words == ["a", "a"]
        assert np.array_equal(one, array)


KINDS = ("<f4", ">f8", "<i2", "|b1", "<U3", "|S5", "<c8", "|O", "<u8")
DTYPES = st.sampled_from(KINDS)
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def _state(kind: str, shape: tuple[int, ...], order: str) -> tuple:
    count = int(np.prod(shape))
    raw = bytes(i % 2 for i in range(count * np.dtype(kind).itemsize))
    if kind == "<U3":
        raw = np.full(count, "aé").astype(kind).tobytes()
    if kind == "|O":
        return 1, shape, np.dtype("O"), order == "F", [None, "a", 1.5, [2]][:count] + [3] * max(count - 4, 0)
    return 1, shape, np.dtype(kind), order == "F", raw


@settings(max_examples=200)
@given(DTYPES, SHAPES, st.sampled_from("CF"), st.sampled_from(PROTOCOLS))
def test_arrays_of_every_kind_shape_and_order_come_as_they_were(kind, shape, order, protocol):
    state = _state(kind, shape, order)
    if kind == "|O":
        array = np.fromiter(state[-1], object, len(state[-1])).reshape(shape, order=order)
    else:
        array = np.ndarray(shape, state[2], state[-1], order=order)
    first, again = load(pickle.dumps([array, array.copy(order)], protocol))
    for found in (first, again):
        assert (found.dtype, found.shape) == (array.dtype, array.shape)
        assert found.tolist() == array.tolist()


@settings(max_examples=400)
@given(st.data())
def test_a_forged_state_of_an_array_is_refused_unless_its_parts_belong_together(data):
    protocol = data.draw(st.sampled_from(PROTOCOLS))
    kind, shape, order = data.draw(DTYPES), data.draw(SHAPES), data.draw(st.sampled_from("CF"))
    state = list(_state(kind, shape, order))
    other_kind, other_shape = (
        data.draw(DTYPES),
        data.draw(SHAPES | st.sampled_from([(-1,), (2**62,), (2.0,), "x", None])),
    )
    state[2], state[1] = np.dtype(other_kind), other_shape
    state[4] = data.draw(st.sampled_from([state[4], state[4] * 2, state[4][:-1], tuple(state[4]), None, "ab", 7]))
    found = _load_forged(tuple(state), protocol)
    if found is not None:
        shape = (other_shape,) if isinstance(other_shape, int) else other_shape
        assert (found.shape, found.dtype) == (shape, np.dtype(other_kind))
        raw = state[4].encode("latin-1") if isinstance(state[4], str) else state[4]
        want = list(raw) if other_kind == "|O" else bytes(raw)
        assert (found.reshape(-1, order="A").tolist() if other_kind == "|O" else found.tobytes("A")) == want


def _load_forged(state: tuple, protocol: int):
    class Forged:
        def __reduce__(self):
            return np.arange(1).__reduce__()[0], (np.ndarray, (0,), b"b"), state

    try:
        return load(pickle.dumps(Forged(), protocol))
    except DataError:
        return None


@settings(max_examples=300)
@given(st.data())
def test_damaged_pickles_are_read_or_refused_and_nothing_else(data):
    whole = bytearray(pickle.dumps({"a": [np.arange(3.0), "text", 1, {2}], "b": np.array([1, None])}, 2))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DataError):
        load(bytes(whole))

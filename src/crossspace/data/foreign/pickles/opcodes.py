"""What each opcode of a pickle does, protocol 0 to 5, as far as values need it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from crossspace.data.foreign.pickles.leaves import LEAVES
from crossspace.data.foreign.pickles.limits import Refused
from crossspace.data.foreign.pickles.machine import Damaged, Machine
from crossspace.data.foreign.pickles.names import ARRAY_MAKERS, Named, named
from crossspace.data.foreign.pickles.usual_array import usual_array

STEPS: dict[int, Callable[[Machine], None]] = dict(LEAVES)


def _step(*opcodes: bytes) -> Callable[[Callable[[Machine], None]], Callable[[Machine], None]]:
    def register(function: Callable[[Machine], None]) -> Callable[[Machine], None]:
        for opcode in opcodes:
            STEPS[opcode[0]] = function
        return function

    return register


def _opens(opcode: bytes, kind: Callable[[], Any]) -> None:
    STEPS[opcode[0]] = lambda machine: machine.stack.append(machine.ledger.opened(kind()))


def _tuple_of(count: int) -> Callable[[Machine], None]:
    def step(machine: Machine) -> None:
        values = machine.popped(count)
        machine.stack.append(machine.ledger.closed(tuple(values), values))

    return step


def _refuses(opcode: bytes, what: str) -> None:
    def step(machine: Machine) -> None:
        raise Refused(what)

    STEPS[opcode[0]] = step


_opens(pickle.EMPTY_LIST, list)
_opens(pickle.EMPTY_DICT, dict)
_opens(pickle.EMPTY_SET, set)
STEPS[pickle.TUPLE1[0]] = _tuple_of(1)
STEPS[pickle.TUPLE2[0]] = _tuple_of(2)
STEPS[pickle.TUPLE3[0]] = _tuple_of(3)
for _opcode in (pickle.PERSID, pickle.BINPERSID):
    _refuses(_opcode, "an external object")
for _opcode in (pickle.EXT1, pickle.EXT2, pickle.EXT4):
    _refuses(_opcode, "something that is named by an extension code")
for _opcode in (pickle.INST, pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX):
    _refuses(_opcode, "an object of a class")
for _opcode in (pickle.NEXT_BUFFER, pickle.READONLY_BUFFER):
    _refuses(_opcode, "data that are kept elsewhere")


@_step(pickle.PROTO)
def _protocol(machine: Machine) -> None:
    version = machine.number(1)
    if version > pickle.HIGHEST_PROTOCOL:
        raise Damaged(f"it is of protocol {version}; the newest that is read is {pickle.HIGHEST_PROTOCOL}")


@_step(pickle.FRAME)
def _frame(machine: Machine) -> None:
    length, left = machine.number(8), len(machine.data) - machine.at
    # Otherwise a frame is ignored: it only tells how much to read at once, and all is in memory.
    if length > left:
        raise Damaged(f"a part of {length} bytes is announced where {left} are left")


@_step(pickle.MARK)
def _mark(machine: Machine) -> None:
    machine.marks.append(len(machine.stack))


@_step(pickle.PUT)
def _put(machine: Machine) -> None:
    machine.put(_place(machine.line()))


@_step(pickle.BINPUT)
def _put_1(machine: Machine) -> None:
    machine.put(machine.number(1))


@_step(pickle.LONG_BINPUT)
def _put_4(machine: Machine) -> None:
    machine.put(machine.number(4))


@_step(pickle.MEMOIZE)
def _put_next(machine: Machine) -> None:
    machine.put()


@_step(pickle.GET)
def _get(machine: Machine) -> None:
    machine.get(_place(machine.line()))


@_step(pickle.BINGET)
def _get_1(machine: Machine) -> None:
    _use(machine, machine.number(1))


@_step(pickle.LONG_BINGET)
def _get_4(machine: Machine) -> None:
    _use(machine, machine.number(4))


def _use(machine: Machine, place: int) -> None:
    machine.get(place)
    last = machine.stack[-1]
    # From the second array on, its maker comes from memory: that is where the usual sequence begins.
    if isinstance(last, Named) and last.name in ARRAY_MAKERS:
        usual_array(machine)


def _place(digits: bytes) -> int:
    # Python would take blanks, signs and underscores, and needs long for many digits.
    if not digits.isdigit() or len(digits) > 19:
        raise Damaged("a value has no proper number")
    return int(digits)


@_step(pickle.POP)
def _pop(machine: Machine) -> None:
    # POP takes a mark where one lies on top, as pickle itself does.
    if machine.marks and machine.marks[-1] == len(machine.stack):
        machine.marks.pop()
    else:
        machine.popped(1)


@_step(pickle.POP_MARK)
def _pop_mark(machine: Machine) -> None:
    machine.since_mark()


@_step(pickle.TUPLE)
def _tuple(machine: Machine) -> None:
    values = machine.since_mark()
    # Python has one empty tuple only, which cannot be noted as one of many.
    machine.stack.append(machine.ledger.closed(tuple(values), values) if values else ())


@_step(pickle.LIST)
def _list(machine: Machine) -> None:
    values, container = machine.since_mark(), machine.ledger.opened([])
    machine.ledger.fill(container, values)
    container += values
    machine.stack.append(container)


@_step(pickle.DICT)
def _dict(machine: Machine) -> None:
    values, container = machine.since_mark(), machine.ledger.opened({})
    _set(machine, container, values)
    machine.stack.append(container)


@_step(pickle.FROZENSET)
def _frozenset(machine: Machine) -> None:
    values = machine.since_mark()
    for value in values:
        machine.ledger.key(value)
    machine.stack.append(machine.ledger.closed(frozenset(values), values))


@_step(pickle.APPEND)
def _append(machine: Machine) -> None:
    values = machine.popped(1)
    _extend(machine, values)


@_step(pickle.APPENDS)
def _appends(machine: Machine) -> None:
    _extend(machine, machine.since_mark())


def _extend(machine: Machine, values: list[Any]) -> None:
    target = machine.top(list)
    machine.ledger.fill(target, values)
    target += values


@_step(pickle.SETITEM)
def _set_item(machine: Machine) -> None:
    values = machine.popped(2)
    _set(machine, machine.top(dict), values)


@_step(pickle.SETITEMS)
def _set_items(machine: Machine) -> None:
    values = machine.since_mark()
    _set(machine, machine.top(dict), values)


def _set(machine: Machine, target: dict, values: list[Any]) -> None:
    if len(values) % 2:
        raise Damaged("a key has no value")
    # Counted before they are put in: an excess leaves nothing behind.
    machine.ledger.fill(target, values)
    for place in range(0, len(values), 2):
        machine.ledger.key(values[place])
        target[values[place]] = values[place + 1]


@_step(pickle.ADDITEMS)
def _add_items(machine: Machine) -> None:
    values, target = machine.since_mark(), machine.top(set)
    machine.ledger.fill(target, values)
    for value in values:
        machine.ledger.key(value)
    target.update(values)


@_step(pickle.STACK_GLOBAL)
def _stack_global(machine: Machine) -> None:
    machine.stack.append(named(*machine.popped(2)))


@_step(pickle.REDUCE)
def _reduce(machine: Machine) -> None:
    function, arguments = machine.popped(2)
    if not isinstance(function, Named):
        raise Refused(f"a call of a {type(function).__name__}")
    machine.stack.append(function.call(machine.ledger, arguments))


@_step(pickle.BUILD)
def _build(machine: Machine) -> None:
    (state,) = machine.popped(1)
    machine.finish(state)

"""Written by `make generate` from the layouts in registry.py: change those, not this.

A reader takes the bytes of one whole record, a writer one record of exactly its class; both raise for all else.
"""

from collections.abc import Callable
from struct import Struct
from typing import Any

from .header import Header, Kind
from .messages.audit import AuditReadRequest, AuditReadResponse
from .messages.bolt import BoltOperateRequest, BoltOperateResponse
from .messages.clock import ClockGetRequest, ClockGetResponse, ClockSetRequest, ClockSetResponse
from .messages.device import InfoRequest, InfoResponse, PingRequest, PingResponse, StatusRequest, StatusResponse
from .messages.hello import HelloFlag, HelloRequest, HelloResponse, Mode
from .messages.pairing import PairCommitRequest, PairCommitResponse, UnpairRequest, UnpairResponse
from .messages.pins import (
    LastOperationRequest,
    LastOperationResponse,
    PinClearRequest,
    PinClearResponse,
    PinCreateRequest,
    PinCreateResponse,
    PinDeleteRequest,
    PinDeleteResponse,
    PinGetRequest,
    PinGetResponse,
    PinListRequest,
    PinListResponse,
    PinUpdateRequest,
    PinUpdateResponse,
)
from .vocabulary import (
    AuditEvent,
    AuditRecord,
    BoltAction,
    BoltState,
    Capability,
    Cause,
    ClockState,
    DoorState,
    PinEntry,
    PinSummary,
    Schedule,
    Weekdays,
    Window,
)

_AUDIT_EVENT = {each.value: each for each in AuditEvent}
_B = Struct(">B")
_BBBI = Struct(">BBBI")
_BBBIB16S = Struct(">BBBIB16s")
_BBIH = Struct(">BBIH")
_BHH = Struct(">BHH")
_BI = Struct(">BI")
_BIB = Struct(">BIB")
_BOLT_ACTION = {each.value: each for each in BoltAction}
_BOLT_STATE = {each.value: each for each in BoltState}
_BOOL = {0: False, 1: True}
_CAUSE = {each.value: each for each in Cause}
_CLOCK_STATE = {each.value: each for each in ClockState}
_DOOR_STATE = {each.value: each for each in DoorState}
_H = Struct(">H")
_HB = Struct(">HB")
_HHI = Struct(">HHI")
_HI = Struct(">HI")
_I = Struct(">I")
_I8S = Struct(">I8s")
_I8SB = Struct(">I8sB")
_IB = Struct(">IB")
_IBB = Struct(">IBB")
_IBBB = Struct(">IBBB")
_IH = Struct(">IH")
_IHBIBBBB = Struct(">IHBIBBBB")
_II = Struct(">II")
_IIB = Struct(">IIB")
_IIBBBBHI = Struct(">IIBBBBHI")
_KIND = {each.value: each for each in Kind}
_MODE = {each.value: each for each in Mode}


def _read_header(data: bytes) -> Header:
    version, kind, counter, length = _BBIH.unpack_from(data)
    if len(data) != 8:
        raise ValueError
    return Header(version=version, kind=_KIND[kind], counter=counter, length=length)


def _write_header(record: Header) -> bytes:
    if type(record) is not Header:
        raise TypeError
    return _BBIH.pack(record.version, _KIND[record.kind], record.counter, record.length)


def _read_hello_request(data: bytes) -> HelloRequest:
    lowest, highest, mode, peer_id = _BBBI.unpack_from(data)
    if len(data) != 7:
        raise ValueError
    return HelloRequest(lowest=lowest, highest=highest, mode=_MODE[mode], peer_id=peer_id)


def _write_hello_request(record: HelloRequest) -> bytes:
    if type(record) is not HelloRequest:
        raise TypeError
    return _BBBI.pack(record.lowest, record.highest, _MODE[record.mode], record.peer_id)


def _read_hello_response(data: bytes) -> HelloResponse:
    chosen, lowest, highest, lock_id, flags, random = _BBBIB16S.unpack_from(data)
    if len(data) != 24:
        raise ValueError
    return HelloResponse(
        chosen=chosen,
        lowest=lowest,
        highest=highest,
        lock_id=lock_id,
        flags=HelloFlag(flags),
        random=random,
    )


def _write_hello_response(record: HelloResponse) -> bytes:
    if type(record) is not HelloResponse:
        raise TypeError
    if not isinstance(record.random, bytes) or len(record.random) != 16:
        raise TypeError
    return _BBBIB16S.pack(record.chosen, record.lowest, record.highest, record.lock_id, record.flags, record.random)


def _read_info_request(data: bytes) -> InfoRequest:
    if len(data) != 0:
        raise ValueError
    return InfoRequest()


def _write_info_request(record: InfoRequest) -> bytes:
    if type(record) is not InfoRequest:
        raise TypeError
    return b""


def _read_info_response(data: bytes) -> InfoResponse:
    lock_id, min_version, max_version = _IBB.unpack_from(data)
    start = 7
    at = start + data[6]
    model = data[start:at].decode("ascii")
    start = at + 1
    at = start + data[at]
    serial = data[start:at].decode("ascii")
    start = at + 1
    at = start + data[at]
    firmware_version = data[start:at].decode("ascii")
    capacity, max_frame, capabilities = _HHI.unpack_from(data, at)
    if len(data) != at + 8:
        raise ValueError
    return InfoResponse(
        lock_id=lock_id,
        min_version=min_version,
        max_version=max_version,
        model=model,
        serial=serial,
        firmware_version=firmware_version,
        capacity=capacity,
        max_frame=max_frame,
        capabilities=Capability(capabilities),
    )


def _write_info_response(record: InfoResponse) -> bytes:
    if type(record) is not InfoResponse:
        raise TypeError
    model = str.encode(record.model, "ascii")
    serial = str.encode(record.serial, "ascii")
    firmware_version = str.encode(record.firmware_version, "ascii")
    parts = (
        _IBBB.pack(record.lock_id, record.min_version, record.max_version, len(model)),
        model,
        _B.pack(len(serial)),
        serial,
        _B.pack(len(firmware_version)),
        firmware_version,
        _HHI.pack(record.capacity, record.max_frame, record.capabilities),
    )
    return b"".join(parts)


def _read_status_request(data: bytes) -> StatusRequest:
    if len(data) != 0:
        raise ValueError
    return StatusRequest()


def _write_status_request(record: StatusRequest) -> bytes:
    if type(record) is not StatusRequest:
        raise TypeError
    return b""


def _read_status_response(data: bytes) -> StatusResponse:
    list_version, used, clock, time, battery, bolt, door, jammed = _IHBIBBBB.unpack_from(data)
    if len(data) != 15:
        raise ValueError
    return StatusResponse(
        list_version=list_version,
        used=used,
        clock=_CLOCK_STATE[clock],
        time=time,
        battery=battery,
        bolt=_BOLT_STATE[bolt],
        door=_DOOR_STATE[door],
        jammed=_BOOL[jammed],
    )


def _write_status_response(record: StatusResponse) -> bytes:
    if type(record) is not StatusResponse:
        raise TypeError
    return _IHBIBBBB.pack(
        record.list_version,
        record.used,
        _CLOCK_STATE[record.clock],
        record.time,
        record.battery,
        _BOLT_STATE[record.bolt],
        _DOOR_STATE[record.door],
        _BOOL[record.jammed],
    )


def _read_ping_request(data: bytes) -> PingRequest:
    start = 1
    at = start + data[0]
    payload = data[start:at]
    if len(data) != at:
        raise ValueError
    return PingRequest(payload=payload)


def _write_ping_request(record: PingRequest) -> bytes:
    if type(record) is not PingRequest:
        raise TypeError
    if not isinstance(record.payload, bytes):
        raise TypeError
    parts = (
        _B.pack(len(record.payload)),
        record.payload,
    )
    return b"".join(parts)


def _read_ping_response(data: bytes) -> PingResponse:
    start = 1
    at = start + data[0]
    payload = data[start:at]
    if len(data) != at:
        raise ValueError
    return PingResponse(payload=payload)


def _write_ping_response(record: PingResponse) -> bytes:
    if type(record) is not PingResponse:
        raise TypeError
    if not isinstance(record.payload, bytes):
        raise TypeError
    parts = (
        _B.pack(len(record.payload)),
        record.payload,
    )
    return b"".join(parts)


def _read_clock_get_request(data: bytes) -> ClockGetRequest:
    if len(data) != 0:
        raise ValueError
    return ClockGetRequest()


def _write_clock_get_request(record: ClockGetRequest) -> bytes:
    if type(record) is not ClockGetRequest:
        raise TypeError
    return b""


def _read_clock_get_response(data: bytes) -> ClockGetResponse:
    state, time = _BI.unpack_from(data)
    start = 6
    at = start + data[5]
    zone = data[start:at].decode("ascii")
    start = at + 1
    at = start + data[at]
    rule = data[start:at].decode("ascii")
    if len(data) != at:
        raise ValueError
    return ClockGetResponse(state=_CLOCK_STATE[state], time=time, zone=zone, rule=rule)


def _write_clock_get_response(record: ClockGetResponse) -> bytes:
    if type(record) is not ClockGetResponse:
        raise TypeError
    zone = str.encode(record.zone, "ascii")
    rule = str.encode(record.rule, "ascii")
    parts = (
        _BIB.pack(_CLOCK_STATE[record.state], record.time, len(zone)),
        zone,
        _B.pack(len(rule)),
        rule,
    )
    return b"".join(parts)


def _read_clock_set_request(data: bytes) -> ClockSetRequest:
    time, force = _IB.unpack_from(data)
    start = 6
    at = start + data[5]
    zone = data[start:at].decode("ascii")
    start = at + 1
    at = start + data[at]
    rule = data[start:at].decode("ascii")
    if len(data) != at:
        raise ValueError
    return ClockSetRequest(time=time, force=_BOOL[force], zone=zone, rule=rule)


def _write_clock_set_request(record: ClockSetRequest) -> bytes:
    if type(record) is not ClockSetRequest:
        raise TypeError
    zone = str.encode(record.zone, "ascii")
    rule = str.encode(record.rule, "ascii")
    parts = (
        _IBB.pack(record.time, _BOOL[record.force], len(zone)),
        zone,
        _B.pack(len(rule)),
        rule,
    )
    return b"".join(parts)


def _read_clock_set_response(data: bytes) -> ClockSetResponse:
    (list_version,) = _I.unpack_from(data)
    if len(data) != 4:
        raise ValueError
    return ClockSetResponse(list_version=list_version)


def _write_clock_set_response(record: ClockSetResponse) -> bytes:
    if type(record) is not ClockSetResponse:
        raise TypeError
    return _I.pack(record.list_version)


def _read_window(data: bytes, at: int) -> tuple[Window, int]:
    weekdays, start_, end = _BHH.unpack_from(data, at)
    record = Window(weekdays=Weekdays(weekdays), start=start_, end=end)
    return record, at + 5


def _write_window(record: Window) -> bytes:
    if type(record) is not Window:
        raise TypeError
    return _BHH.pack(record.weekdays, record.start, record.end)


def _read_schedule(data: bytes, at: int) -> tuple[Schedule, int]:
    valid_from, valid_until = _II.unpack_from(data, at)
    windows = []
    count, at = data[at + 8], at + 9
    for _ in range(count):
        item, at = _read_window(data, at)
        windows.append(item)
    record = Schedule(valid_from=valid_from, valid_until=valid_until, windows=tuple(windows))
    return record, at


def _write_schedule(record: Schedule) -> bytes:
    if type(record) is not Schedule:
        raise TypeError
    if not isinstance(record.windows, tuple):
        raise TypeError
    parts = (
        _IIB.pack(record.valid_from, record.valid_until, len(record.windows)),
        *map(_write_window, record.windows),
    )
    return b"".join(parts)


def _read_pin_entry(data: bytes, at: int) -> tuple[PinEntry, int]:
    start = at + 1
    at = start + data[at]
    digits = data[start:at].decode("ascii")
    start = at + 1
    at = start + data[at]
    alias = data[start:at].decode("utf8")
    enabled = data[at]
    schedule, at = _read_schedule(data, at + 1)
    record = PinEntry(digits=digits, alias=alias, enabled=_BOOL[enabled], schedule=schedule)
    return record, at


def _write_pin_entry(record: PinEntry) -> bytes:
    if type(record) is not PinEntry:
        raise TypeError
    digits = str.encode(record.digits, "ascii")
    alias = str.encode(record.alias, "utf8")
    parts = (
        _B.pack(len(digits)),
        digits,
        _B.pack(len(alias)),
        alias,
        _B.pack(_BOOL[record.enabled]),
        _write_schedule(record.schedule),
    )
    return b"".join(parts)


def _read_pin_create_request(data: bytes) -> PinCreateRequest:
    (operation,) = _I.unpack_from(data)
    entry, at = _read_pin_entry(data, 4)
    if len(data) != at:
        raise ValueError
    return PinCreateRequest(operation=operation, entry=entry)


def _write_pin_create_request(record: PinCreateRequest) -> bytes:
    if type(record) is not PinCreateRequest:
        raise TypeError
    parts = (
        _I.pack(record.operation),
        _write_pin_entry(record.entry),
    )
    return b"".join(parts)


def _read_pin_create_response(data: bytes) -> PinCreateResponse:
    id_, list_version = _HI.unpack_from(data)
    if len(data) != 6:
        raise ValueError
    return PinCreateResponse(id=id_, list_version=list_version)


def _write_pin_create_response(record: PinCreateResponse) -> bytes:
    if type(record) is not PinCreateResponse:
        raise TypeError
    return _HI.pack(record.id, record.list_version)


def _read_pin_get_request(data: bytes) -> PinGetRequest:
    (id_,) = _H.unpack_from(data)
    if len(data) != 2:
        raise ValueError
    return PinGetRequest(id=id_)


def _write_pin_get_request(record: PinGetRequest) -> bytes:
    if type(record) is not PinGetRequest:
        raise TypeError
    return _H.pack(record.id)


def _read_pin_get_response(data: bytes) -> PinGetResponse:
    (list_version,) = _I.unpack_from(data)
    entry, at = _read_pin_entry(data, 4)
    if len(data) != at:
        raise ValueError
    return PinGetResponse(list_version=list_version, entry=entry)


def _write_pin_get_response(record: PinGetResponse) -> bytes:
    if type(record) is not PinGetResponse:
        raise TypeError
    parts = (
        _I.pack(record.list_version),
        _write_pin_entry(record.entry),
    )
    return b"".join(parts)


def _read_pin_update_request(data: bytes) -> PinUpdateRequest:
    operation, id_ = _IH.unpack_from(data)
    entry, at = _read_pin_entry(data, 6)
    if len(data) != at:
        raise ValueError
    return PinUpdateRequest(operation=operation, id=id_, entry=entry)


def _write_pin_update_request(record: PinUpdateRequest) -> bytes:
    if type(record) is not PinUpdateRequest:
        raise TypeError
    parts = (
        _IH.pack(record.operation, record.id),
        _write_pin_entry(record.entry),
    )
    return b"".join(parts)


def _read_pin_update_response(data: bytes) -> PinUpdateResponse:
    (list_version,) = _I.unpack_from(data)
    if len(data) != 4:
        raise ValueError
    return PinUpdateResponse(list_version=list_version)


def _write_pin_update_response(record: PinUpdateResponse) -> bytes:
    if type(record) is not PinUpdateResponse:
        raise TypeError
    return _I.pack(record.list_version)


def _read_pin_delete_request(data: bytes) -> PinDeleteRequest:
    operation, id_ = _IH.unpack_from(data)
    if len(data) != 6:
        raise ValueError
    return PinDeleteRequest(operation=operation, id=id_)


def _write_pin_delete_request(record: PinDeleteRequest) -> bytes:
    if type(record) is not PinDeleteRequest:
        raise TypeError
    return _IH.pack(record.operation, record.id)


def _read_pin_delete_response(data: bytes) -> PinDeleteResponse:
    (list_version,) = _I.unpack_from(data)
    if len(data) != 4:
        raise ValueError
    return PinDeleteResponse(list_version=list_version)


def _write_pin_delete_response(record: PinDeleteResponse) -> bytes:
    if type(record) is not PinDeleteResponse:
        raise TypeError
    return _I.pack(record.list_version)


def _read_pin_list_request(data: bytes) -> PinListRequest:
    after, list_version = _HI.unpack_from(data)
    if len(data) != 6:
        raise ValueError
    return PinListRequest(after=after, list_version=list_version)


def _write_pin_list_request(record: PinListRequest) -> bytes:
    if type(record) is not PinListRequest:
        raise TypeError
    return _HI.pack(record.after, record.list_version)


def _read_pin_summary(data: bytes, at: int) -> tuple[PinSummary, int]:
    (id_,) = _H.unpack_from(data, at)
    start = at + 3
    at = start + data[at + 2]
    alias = data[start:at].decode("utf8")
    enabled = data[at]
    schedule, at = _read_schedule(data, at + 1)
    record = PinSummary(id=id_, alias=alias, enabled=_BOOL[enabled], schedule=schedule)
    return record, at


def _write_pin_summary(record: PinSummary) -> bytes:
    if type(record) is not PinSummary:
        raise TypeError
    alias = str.encode(record.alias, "utf8")
    parts = (
        _HB.pack(record.id, len(alias)),
        alias,
        _B.pack(_BOOL[record.enabled]),
        _write_schedule(record.schedule),
    )
    return b"".join(parts)


def _read_pin_list_response(data: bytes) -> PinListResponse:
    list_version, more = _IB.unpack_from(data)
    pins = []
    count, at = data[5], 6
    for _ in range(count):
        item, at = _read_pin_summary(data, at)
        pins.append(item)
    if len(data) != at:
        raise ValueError
    return PinListResponse(list_version=list_version, more=_BOOL[more], pins=tuple(pins))


def _write_pin_list_response(record: PinListResponse) -> bytes:
    if type(record) is not PinListResponse:
        raise TypeError
    if not isinstance(record.pins, tuple):
        raise TypeError
    parts = (
        _IBB.pack(record.list_version, _BOOL[record.more], len(record.pins)),
        *map(_write_pin_summary, record.pins),
    )
    return b"".join(parts)


def _read_pin_clear_request(data: bytes) -> PinClearRequest:
    (operation,) = _I.unpack_from(data)
    if len(data) != 4:
        raise ValueError
    return PinClearRequest(operation=operation)


def _write_pin_clear_request(record: PinClearRequest) -> bytes:
    if type(record) is not PinClearRequest:
        raise TypeError
    return _I.pack(record.operation)


def _read_pin_clear_response(data: bytes) -> PinClearResponse:
    (list_version,) = _I.unpack_from(data)
    if len(data) != 4:
        raise ValueError
    return PinClearResponse(list_version=list_version)


def _write_pin_clear_response(record: PinClearResponse) -> bytes:
    if type(record) is not PinClearResponse:
        raise TypeError
    return _I.pack(record.list_version)


def _read_last_operation_request(data: bytes) -> LastOperationRequest:
    if len(data) != 0:
        raise ValueError
    return LastOperationRequest()


def _write_last_operation_request(record: LastOperationRequest) -> bytes:
    if type(record) is not LastOperationRequest:
        raise TypeError
    return b""


def _read_last_operation_response(data: bytes) -> LastOperationResponse:
    operation, fingerprint = _I8S.unpack_from(data)
    start = 13
    at = start + data[12]
    response = data[start:at]
    if len(data) != at:
        raise ValueError
    return LastOperationResponse(operation=operation, fingerprint=fingerprint, response=response)


def _write_last_operation_response(record: LastOperationResponse) -> bytes:
    if type(record) is not LastOperationResponse:
        raise TypeError
    if not isinstance(record.fingerprint, bytes) or len(record.fingerprint) != 8:
        raise TypeError
    if not isinstance(record.response, bytes):
        raise TypeError
    parts = (
        _I8SB.pack(record.operation, record.fingerprint, len(record.response)),
        record.response,
    )
    return b"".join(parts)


def _read_pair_commit_request(data: bytes) -> PairCommitRequest:
    if len(data) != 0:
        raise ValueError
    return PairCommitRequest()


def _write_pair_commit_request(record: PairCommitRequest) -> bytes:
    if type(record) is not PairCommitRequest:
        raise TypeError
    return b""


def _read_pair_commit_response(data: bytes) -> PairCommitResponse:
    (peer_id,) = _I.unpack_from(data)
    if len(data) != 4:
        raise ValueError
    return PairCommitResponse(peer_id=peer_id)


def _write_pair_commit_response(record: PairCommitResponse) -> bytes:
    if type(record) is not PairCommitResponse:
        raise TypeError
    return _I.pack(record.peer_id)


def _read_unpair_request(data: bytes) -> UnpairRequest:
    if len(data) != 0:
        raise ValueError
    return UnpairRequest()


def _write_unpair_request(record: UnpairRequest) -> bytes:
    if type(record) is not UnpairRequest:
        raise TypeError
    return b""


def _read_unpair_response(data: bytes) -> UnpairResponse:
    if len(data) != 0:
        raise ValueError
    return UnpairResponse()


def _write_unpair_response(record: UnpairResponse) -> bytes:
    if type(record) is not UnpairResponse:
        raise TypeError
    return b""


def _read_bolt_operate_request(data: bytes) -> BoltOperateRequest:
    operation, action = _IB.unpack_from(data)
    if len(data) != 5:
        raise ValueError
    return BoltOperateRequest(operation=operation, action=_BOLT_ACTION[action])


def _write_bolt_operate_request(record: BoltOperateRequest) -> bytes:
    if type(record) is not BoltOperateRequest:
        raise TypeError
    return _IB.pack(record.operation, _BOLT_ACTION[record.action])


def _read_bolt_operate_response(data: bytes) -> BoltOperateResponse:
    bolt = data[0]
    if len(data) != 1:
        raise ValueError
    return BoltOperateResponse(bolt=_BOLT_STATE[bolt])


def _write_bolt_operate_response(record: BoltOperateResponse) -> bytes:
    if type(record) is not BoltOperateResponse:
        raise TypeError
    return _B.pack(_BOLT_STATE[record.bolt])


def _read_audit_read_request(data: bytes) -> AuditReadRequest:
    (after,) = _I.unpack_from(data)
    if len(data) != 4:
        raise ValueError
    return AuditReadRequest(after=after)


def _write_audit_read_request(record: AuditReadRequest) -> bytes:
    if type(record) is not AuditReadRequest:
        raise TypeError
    return _I.pack(record.after)


def _read_audit_record(data: bytes, at: int) -> tuple[AuditRecord, int]:
    sequence, time, clock, event, cause, detail, pin_id, peer_id = _IIBBBBHI.unpack_from(data, at)
    record = AuditRecord(
        sequence=sequence,
        time=time,
        clock=_CLOCK_STATE[clock],
        event=_AUDIT_EVENT[event],
        cause=_CAUSE[cause],
        detail=detail,
        pin_id=pin_id,
        peer_id=peer_id,
    )
    return record, at + 18


def _write_audit_record(record: AuditRecord) -> bytes:
    if type(record) is not AuditRecord:
        raise TypeError
    return _IIBBBBHI.pack(
        record.sequence,
        record.time,
        _CLOCK_STATE[record.clock],
        _AUDIT_EVENT[record.event],
        _CAUSE[record.cause],
        record.detail,
        record.pin_id,
        record.peer_id,
    )


def _read_audit_read_response(data: bytes) -> AuditReadResponse:
    first, last = _II.unpack_from(data)
    records = []
    count, at = data[8], 9
    for _ in range(count):
        item, at = _read_audit_record(data, at)
        records.append(item)
    if len(data) != at:
        raise ValueError
    return AuditReadResponse(first=first, last=last, records=tuple(records))


def _write_audit_read_response(record: AuditReadResponse) -> bytes:
    if type(record) is not AuditReadResponse:
        raise TypeError
    if not isinstance(record.records, tuple):
        raise TypeError
    parts = (
        _IIB.pack(record.first, record.last, len(record.records)),
        *map(_write_audit_record, record.records),
    )
    return b"".join(parts)


READERS: dict[type[Any], Callable[[bytes], Any]] = {
    Header: _read_header,
    HelloRequest: _read_hello_request,
    HelloResponse: _read_hello_response,
    InfoRequest: _read_info_request,
    InfoResponse: _read_info_response,
    StatusRequest: _read_status_request,
    StatusResponse: _read_status_response,
    PingRequest: _read_ping_request,
    PingResponse: _read_ping_response,
    ClockGetRequest: _read_clock_get_request,
    ClockGetResponse: _read_clock_get_response,
    ClockSetRequest: _read_clock_set_request,
    ClockSetResponse: _read_clock_set_response,
    PinCreateRequest: _read_pin_create_request,
    PinCreateResponse: _read_pin_create_response,
    PinGetRequest: _read_pin_get_request,
    PinGetResponse: _read_pin_get_response,
    PinUpdateRequest: _read_pin_update_request,
    PinUpdateResponse: _read_pin_update_response,
    PinDeleteRequest: _read_pin_delete_request,
    PinDeleteResponse: _read_pin_delete_response,
    PinListRequest: _read_pin_list_request,
    PinListResponse: _read_pin_list_response,
    PinClearRequest: _read_pin_clear_request,
    PinClearResponse: _read_pin_clear_response,
    LastOperationRequest: _read_last_operation_request,
    LastOperationResponse: _read_last_operation_response,
    PairCommitRequest: _read_pair_commit_request,
    PairCommitResponse: _read_pair_commit_response,
    UnpairRequest: _read_unpair_request,
    UnpairResponse: _read_unpair_response,
    BoltOperateRequest: _read_bolt_operate_request,
    BoltOperateResponse: _read_bolt_operate_response,
    AuditReadRequest: _read_audit_read_request,
    AuditReadResponse: _read_audit_read_response,
}
WRITERS: dict[type[Any], Callable[[Any], bytes]] = {
    Header: _write_header,
    HelloRequest: _write_hello_request,
    HelloResponse: _write_hello_response,
    InfoRequest: _write_info_request,
    InfoResponse: _write_info_response,
    StatusRequest: _write_status_request,
    StatusResponse: _write_status_response,
    PingRequest: _write_ping_request,
    PingResponse: _write_ping_response,
    ClockGetRequest: _write_clock_get_request,
    ClockGetResponse: _write_clock_get_response,
    ClockSetRequest: _write_clock_set_request,
    ClockSetResponse: _write_clock_set_response,
    PinCreateRequest: _write_pin_create_request,
    PinCreateResponse: _write_pin_create_response,
    PinGetRequest: _write_pin_get_request,
    PinGetResponse: _write_pin_get_response,
    PinUpdateRequest: _write_pin_update_request,
    PinUpdateResponse: _write_pin_update_response,
    PinDeleteRequest: _write_pin_delete_request,
    PinDeleteResponse: _write_pin_delete_response,
    PinListRequest: _write_pin_list_request,
    PinListResponse: _write_pin_list_response,
    PinClearRequest: _write_pin_clear_request,
    PinClearResponse: _write_pin_clear_response,
    LastOperationRequest: _write_last_operation_request,
    LastOperationResponse: _write_last_operation_response,
    PairCommitRequest: _write_pair_commit_request,
    PairCommitResponse: _write_pair_commit_response,
    UnpairRequest: _write_unpair_request,
    UnpairResponse: _write_unpair_response,
    BoltOperateRequest: _write_bolt_operate_request,
    BoltOperateResponse: _write_bolt_operate_response,
    AuditReadRequest: _write_audit_read_request,
    AuditReadResponse: _write_audit_read_response,
}

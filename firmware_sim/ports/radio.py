"""Bumble's virtual radio, mended: what it does unlike a real controller is put right here, and nowhere else.

Its API changes with every release, hence the exact version in pyproject.toml.
"""

import asyncio
import logging
import struct
from contextlib import suppress

from bumble import hci, ll
from bumble.controller import Connection, Controller
from bumble.core import BaseBumbleError, PhysicalTransport
from bumble.device import Device
from bumble.link import LocalLink


def hush() -> None:
    """Keep Bumble's warnings and tracebacks from people; who wants them gives its logger a handler."""
    logger = logging.getLogger("bumble")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


class PatientDevice(Device):
    """A host that drops what is no ATT packet; Bumble's raises whatever its parser stumbles over."""

    def on_gatt_pdu(self, connection_handle: int, pdu: bytes) -> None:
        """Take an ATT packet of a central, or what it sends in place of one."""
        with suppress(struct.error, IndexError, ValueError, BaseBumbleError):
            super().on_gatt_pdu(connection_handle, pdu)


class RadioController(Controller):
    """A controller whose pending connection can be cancelled, and that hears no echo in place of a scan response."""

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """End a pending connection; Bumble's answers and lets it go on for ever."""
        pending = self.pending_le_connection
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        cancelled = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, cancelled)  # behind the command's own answer
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Send a packet to the host, but no scan response: Bumble's repeat the advertisement, and here is none."""
        if not _is_scan_response(packet):
            super().send_hci_packet(packet)

    def leave(self) -> None:
        """Be silent from now on."""
        self.host = None
        self.le_legacy_advertiser.stop()
        for advertising in self.advertising_sets.values():
            advertising.stop()


class Radio(LocalLink):
    """What controllers hear of each other: a connection is found by both its addresses, whichever kind they are."""

    def leave(self, controller: RadioController) -> None:
        """Take a controller off the air; the other ends of its connections see a supervision timeout."""
        self.remove_controller(controller)
        for connection in list(controller.le_connections.values()):
            _lose(self._other_end(connection), hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        controller.leave()

    def send_acl_data(
        self, sender_controller: Controller, destination_address: hci.Address, transport: PhysicalTransport, data: bytes
    ) -> None:
        """Carry data over a connection; Bumble takes every sender for one with a random address."""
        sender = sender_controller.le_connections.get(destination_address)
        if sender:
            asyncio.get_running_loop().call_soon(self._carry, sender, transport, data)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Carry a control packet, or lose it where nobody is; Bumble raises, and the host waits for ever."""
        asyncio.get_running_loop().call_soon(self._control, sender_address, receiver_address, packet)

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        """Tell everybody; a connection that its advertiser did not take fails, which Bumble leaves half open."""
        super().send_advertising_pdu(sender_controller, packet)
        if isinstance(packet, ll.ConnectInd):
            asyncio.get_running_loop().call_soon(self._require_taken, sender_controller, packet)

    def _carry(self, sender: Connection, transport: PhysicalTransport, data: bytes) -> None:
        if receiver := self._other_end(sender):
            receiver.controller.on_link_acl_data(sender.self_address, transport, data)

    def _control(self, sender: hci.Address, receiver: hci.Address, packet: ll.ControlPdu) -> None:
        if connection := self._end(receiver, sender):
            connection.controller.on_ll_control_pdu(sender, packet)

    def _require_taken(self, central: Controller, packet: ll.ConnectInd) -> None:
        made = central.le_connections.get(packet.advertiser_address)
        if made and self._other_end(made) is None:
            _lose(made, hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)

    def _other_end(self, connection: Connection) -> Connection | None:
        return self._end(connection.peer_address, connection.self_address)

    def _end(self, self_address: hci.Address, peer_address: hci.Address) -> Connection | None:
        ends = (controller.le_connections.get(peer_address) for controller in self.controllers)
        return next((end for end in ends if end and end.self_address == self_address), None)


def _lose(connection: Connection | None, reason: hci.HCI_ErrorCode) -> None:
    if connection:
        connection.controller.on_le_disconnected(connection, reason)


def _is_scan_response(packet: hci.HCI_Packet) -> bool:
    match packet:
        case hci.HCI_LE_Extended_Advertising_Report_Event(reports=reports):
            kind = hci.HCI_LE_Extended_Advertising_Report_Event.EventType.SCAN_RESPONSE
            return any(report.event_type & kind for report in reports)
        case hci.HCI_LE_Advertising_Report_Event(reports=reports):
            response = hci.HCI_LE_Advertising_Report_Event.EventType.SCAN_RSP
            return any(report.event_type == response for report in reports)
    return False

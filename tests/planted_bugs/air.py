"""Bugs of the lock on the air: its advertisement, its connections, and the virtual radio under them."""

from .bug import Bug

_BLE = ("tests/firmware_sim/ports/test_ble.py",)
_AIR = ("tests/firmware_sim/ports/test_air.py",)
_RESET = ("tests/firmware_sim/test_link_reset.py",)
_NEWS = ("tests/firmware_sim/test_news.py",)
_SIMULATOR = ("tests/firmware_sim/test_simulator.py",)

BUGS = (
    Bug(
        name="on the air: a connection that is given up goes on",
        file="firmware_sim/ports/radio.py",
        good="        self.pending_le_connection = None\n",
        bad="",
        tests=_AIR,
    ),
    Bug(
        name="on the air: an advertisement comes twice, the second time as a scan response",
        file="firmware_sim/ports/radio.py",
        good="        if not _is_scan_response(packet):\n            super()",
        bad="        if True:\n            super()",
        tests=_BLE,
    ),
    Bug(
        name="on the air: every sender has a random address",
        file="firmware_sim/ports/radio.py",
        good="receiver.controller.on_link_acl_data(sender.self_address,",
        bad="receiver.controller.on_link_acl_data(sender.controller.random_address,",
        tests=_AIR,
    ),
    Bug(
        name="on the air: a connection that nobody took stays",
        file="firmware_sim/ports/radio.py",
        good="        if made and self._other_end(made) is None:\n",
        bad="        if made and self.pending_classic_connection:\n",
        tests=_AIR,
    ),
    Bug(
        name="on the air: a client that vanished stays connected",
        file="firmware_sim/ports/radio.py",
        good="            _lose(self._other_end(connection), hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)\n",
        bad="            self._other_end(connection)\n",
        tests=_AIR,
    ),
    Bug(
        name="on the air: a client that speaks no HCI stays",
        file="firmware_sim/ports/air.py",
        good="is not known\n            self.hang_up()\n",
        bad="is not known\n            pass\n",
        tests=_AIR,
    ),
    Bug(
        name="on the air: the socket is for everybody",
        file="firmware_sim/socket_file.py",
        good="os.umask(0o177)",
        bad="os.umask(0o000)",
        tests=_AIR,
    ),
    Bug(
        name="on the air: a lost controller goes unnoticed",
        file="firmware_sim/ports/ble.py",
        good="    source.terminated.add_done_callback(lost)\n",
        bad="",
        tests=_AIR,
    ),
    Bug(
        name="ble: bytes before the subscription are taken",
        file="firmware_sim/ports/ble.py",
        good="        if self._subscribed:\n",
        bad="        if True:\n",
        tests=_BLE,
    ),
    Bug(
        name="ble: a subscription finds what another left",
        file="firmware_sim/ports/ble.py",
        good="        self._port.simulator.reset(self._number)\n",
        bad="",
        tests=_BLE,
    ),
    Bug(
        name="ble: notifications as long as the bridge might like",
        file="firmware_sim/ports/ble.py",
        good="size = self._connection.att_mtu - ATT_HEADER",
        bad="size = LARGEST_MTU - ATT_HEADER",
        tests=_BLE,
    ),
    Bug(
        name="ble: a handler that raises",
        file="firmware_sim/ports/ble.py",
        good="            asyncio.get_running_loop().call_exception_handler(context)\n",
        bad="            raise RuntimeError(context) from None\n",
        tests=_BLE,
    ),
    Bug(
        name="ble: whoever connects ends the advertising",
        file="firmware_sim/ports/ble.py",
        good="        self._stale.set()\n        self._guard(partial(self._take, connection))\n",
        bad="        self._guard(partial(self._take, connection))\n",
        tests=_BLE,
    ),
    Bug(
        name="ble: a controller that once refused to advertise is asked no more",
        file="firmware_sim/ports/ble.py",
        good="            with suppress(BaseBumbleError, TimeoutError):  # it is asked again with the next news\n",
        bad="            with suppress(TimeoutError):\n",
        tests=_BLE,
    ),
    Bug(
        name="ble: a queue without an end",
        file="firmware_sim/ports/ble.py",
        good="        if len(self._queue) + len(data) > _QUEUE:\n",
        bad="        if not data:\n",
        tests=_BLE,
    ),
    Bug(
        name="reset: each subscription gives ten seconds more",
        file="firmware_sim/links.py",
        good="        if link.must_greet_ns is None:\n            self._await_session(link, now_ns)\n",
        bad="        self._await_session(link, now_ns)\n",
        tests=_RESET,
    ),
    Bug(
        name="reset: a link without a session stays for ever",
        file="firmware_sim/links.py",
        good="        if link.must_greet_ns is None:\n            self._await_session(link, now_ns)\n",
        bad="",
        tests=_RESET,
    ),
    Bug(
        name="reset: the session survives",
        file="firmware_sim/links.py",
        good="        link.attempt, link.candidate, link.session = None, None, None\n",
        bad="        link.attempt, link.candidate = None, None\n",
        tests=_RESET,
    ),
    Bug(
        name="reset: the limits are forgotten with the link",
        file="firmware_sim/links.py",
        good="        link.attempt, link.candidate, link.session = None, None, None\n",
        bad="        link = self.links[number] = Link(connection=link.connection, must_greet_ns=link.must_greet_ns)\n",
        tests=_RESET,
    ),
    Bug(
        name="reset: half a frame survives",
        file="firmware_sim/device.py",
        good="        if link in self._decoders:\n",
        bad="        if link not in self._decoders:\n",
        tests=_RESET,
    ),
    Bug(
        name="reset: what a fault holds back survives",
        file="firmware_sim/hostile_link.py",
        good='        self._held, self._behind = b"", []\n        for timer in self._late:\n',
        bad="        for timer in self._late:\n",
        tests=("tests/firmware_sim/test_hostile_reset.py",),
    ),
    Bug(
        name="news: a bolt that moves is none",
        file="firmware_sim/behaviours/news.py",
        good="self._audit.last, self._bolt.state, self._bolt.jammed",
        bad="self._audit.last, self._bolt.jammed",
        tests=_NEWS,
    ),
    Bug(
        name="news: a byte of the key is told to everybody",
        file="firmware_sim/firmware.py",
        good="first=entropy[-1]",
        bad="first=entropy[0]",
        tests=_NEWS,
    ),
    Bug(
        name="news: a pairing window ends unseen",
        file="firmware_sim/behaviours/pairing.py",
        good="        return self._open_until_ns or None\n",
        bad="        return None\n",
        tests=_SIMULATOR,
    ),
    Bug(
        name="news: a start is shown with the next event",
        file="firmware_sim/simulator.py",
        good="        self._set_timer()\n        self._show()\n\n",
        bad="        self._set_timer()\n\n",
        tests=_SIMULATOR,
    ),
)

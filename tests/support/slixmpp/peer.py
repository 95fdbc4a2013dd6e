"""A foreign XMPP client for tests of file transfers (XEP-0095, 0096, 0047, 0065), by slixmpp.

It is told what to do by lines of JSON on its standard input, and tells what happens by lines of JSON on its standard output.
"""
import asyncio
import base64
import hashlib
import json
import logging
import sys

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.plugins.xep_0096 import File
from slixmpp.xmlstream.handler import CoroutineCallback
from slixmpp.xmlstream.matcher import StanzaPath

IBB = "http://jabber.org/protocol/ibb"
S5B = "http://jabber.org/protocol/bytestreams"
LONG = 3600
BLOCK = bytes((at * 31 + at // 256) & 255 for at in range(65521))


def piece(start, length):
    """Bytes of the one file that all tests send, from a place in it."""
    at = start % len(BLOCK)
    times = (at + length) // len(BLOCK) + 1
    return (BLOCK * times)[at:at + length]


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


class Peer(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        for plugin in ("xep_0030", "xep_0047", "xep_0065", "xep_0095", "xep_0096"):
            self.register_plugin(plugin)
        self["feature_mechanisms"].unencrypted_plain = True
        self["feature_mechanisms"].unencrypted_scram = True
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("si_request", self.offered)
        self.add_event_handler("presence_available", lambda presence: tell("present", jid=str(presence["from"])))
        self.add_event_handler("message", lambda message: tell("heard", text=message["body"]))
        # Version 1.8.3 registers a coroutine as a plain callback, which is never run.
        self.remove_handler("SI Request")
        self.register_handler(CoroutineCallback("SI Request", StanzaPath("iq@type=set/si"), self["xep_0095"]._handle_request))
        self.offers = {}
        self.streams = {}
        self.received = {}

    async def started(self, _):
        self.send_presence()
        await self.get_roster()
        tell("online", jid=str(self.boundjid))

    def offered(self, iq):
        file = iq["si"]["file"]
        self.offers[iq["si"]["id"]] = iq["from"]
        tell("offered", sid=iq["si"]["id"], sender=str(iq["from"]), name=file["name"], size=int(file["size"]))

    # What it is told to do.

    async def offer(self, to, name, size, method, sid):
        methods = [{"value": value} for value in {"ibb": [IBB], "s5b": [S5B], "both": [S5B, IBB]}[method]]
        data = File()
        data["name"] = name
        data["size"] = size
        try:
            answer = await self["xep_0095"].offer(to, sid=sid, profile=File.namespace, methods=methods, payload=data, timeout=LONG)
        except IqError as error:
            tell("declined", sid=sid, condition=error.condition)
            return
        form = answer["si"]["feature_neg"]["form"]
        tell("accepted", sid=sid, method=form.get_values()["stream-method"] if form else "")

    async def send_ibb(self, to, sid, size, block=4096, close=True, upto=None, content=None, **_):
        content = base64.b64decode(content) if content else None
        stream = await self["xep_0047"].open_stream(to, sid=sid, block_size=block, timeout=LONG)
        self.streams[sid] = stream
        at, end = 0, size if upto is None else upto
        try:
            while at < end:
                count = min(block, end - at)
                await stream.send(content[at:at + count] if content else piece(at, count), timeout=LONG)
                at += count
                tell("acknowledged", sid=sid, bytes=at)
            tell("sent", sid=sid, bytes=at)
            if close:
                await stream.close()
        except (IqError, IqTimeout, OSError) as error:
            tell("broken", sid=sid, bytes=at, why=str(error))

    async def send_s5b(self, to, sid, size, upto=None, close=True, **_):
        sock = await self["xep_0065"].handshake(to, sid=sid, timeout=LONG)
        if sock is None:
            tell("broken", sid=sid, bytes=0, why="no connection")
            return
        self.streams[sid] = sock
        at, end = 0, size if upto is None else upto
        while at < end and not sock.transport.is_closing():
            count = min(1 << 16, end - at)
            await sock.write(piece(at, count))
            at += count
            await asyncio.sleep(0)
            if at % (1 << 20) == 0:
                tell("written", sid=sid, bytes=at)
        if sock.transport.is_closing():
            tell("broken", sid=sid, bytes=at, why="the connection was closed")
            return
        tell("sent", sid=sid, bytes=at)
        if close:
            sock.transport.close()

    async def cut(self, sid, **_):
        stream = self.streams.get(sid)
        if hasattr(stream, "transport"):
            stream.transport.abort()
        else:
            await stream.close()

    async def accept(self, sid, method="ibb", whole=False, **_):
        sender = self.offers[sid]
        self["xep_0095"]._pending[(self.boundjid, sid, sender)]["method"] = {"ibb": IBB, "s5b": S5B}[method]
        digest, count, content = hashlib.sha256(), 0, bytearray()
        done = asyncio.Event()

        def took(data):
            nonlocal count
            digest.update(data)
            count += len(data)
            if whole:
                content.extend(data)
            tell("received", sid=sid, bytes=count)

        if method == "ibb":
            def data(stream):
                if stream.sid == sid:
                    took(stream.recv_queue.get_nowait())

            def end(stream):
                if stream.sid == sid:
                    done.set()

            self.add_event_handler("ibb_stream_data", data)
            self.add_event_handler("ibb_stream_end", end)
        else:
            self.add_event_handler("socks5_data", took)
            self.add_event_handler("socks5_closed", lambda _: done.set())
        self.add_event_handler("stream:%s:%s" % (sid, sender), lambda stream: self.streams.__setitem__(sid, stream))
        await self["xep_0095"].accept(sender, sid)
        await done.wait()
        tell("ended", sid=sid, bytes=count, sha256=digest.hexdigest(), content=base64.b64encode(content).decode())

    async def say(self, to, text, **_):
        self.send_message(mto=to, mbody=text, mtype="chat")

    async def decline(self, sid, **_):
        await self["xep_0095"].decline(self.offers[sid], sid)

    async def leave(self, **_):
        await self.disconnect()


async def listen(peer):
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        name = order.pop("do")
        task = asyncio.ensure_future(getattr(peer, name)(**order))
        task.add_done_callback(report)


def report(task):
    if not task.cancelled() and task.exception() is not None:
        tell("failed", why=repr(task.exception()))


def main():
    host, port, jid, password = sys.argv[1:5]
    logging.basicConfig(level=logging.WARNING)
    peer = Peer(jid, password)
    peer.connect((host, int(port)), force_starttls=False, disable_starttls=True)
    peer.loop.run_until_complete(listen(peer))


main()

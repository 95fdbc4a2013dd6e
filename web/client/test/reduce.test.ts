// Snapshot + events -> state: above all, that events lead to where a later snapshot would have.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model } from "../src/state/model";
import { addOutgoing, changeTalk, fillGap, markRead, markUnkept, settleOutgoing } from "../src/state/own";
import { apply, fromSnapshot } from "../src/state/reduce";
import { older } from "../src/state/past";
import { account, attached, buddy, conversation, event, message, own, snapshot } from "./fixtures";

/** What a snapshot can tell; the rest of the model is the page's own. */
function told(model: Model) {
  return {
    seq: model.seq,
    accounts: [...model.accounts.values()],
    groups: [...model.groups.values()],
    buddies: [...model.buddies.values()],
    talks: [...model.talks.values()].map(({ more: _more, gap: _gap, past: _past, ...talk }) => talk),
    requests: [...model.requests.values()],
    authorizations: [...model.authorizations.values()],
    notices: [...model.notices.values()],
    transfers: [...model.transfers.values()],
    status: model.status,
    settings: model.settings,
  };
}

const start = snapshot({
  accounts: [account("a1"), account("a2", { state: "connecting", progress: { text: "Connecting", step: 1, steps: 5 } }), account("a3")],
  groups: [{ name: "Friends", order: 0, collapsed: false }, { name: "Old", order: 1, collapsed: false }],
  buddies: [buddy("b1"), buddy("b2", { status: "offline" }), buddy("b9", { account: "a3", group: "Old" })],
  conversations: [
    conversation("t1", { messages: [message("m10", "hello")], unread: 1, read_upto: "m09" }),
    conversation("r1", { kind: "room", members: [{ name: "ines", flags: ["self"] }, { name: "otto" }, { name: "wren" }], joined: true, topic: "old" }),
    conversation("t9", { account: "a3" }),
  ],
  requests: [{ id: "q1", kind: "action", title: "", primary: "Sure?", secondary: "", buttons: [], fields: [] }],
  notices: [{ id: "n1", kind: "search", title: "Found", body: [], columns: ["Name"], rows: [["Ada"]] }],
  transfers: [{ id: "f1", account: "a1", peer: "b1", conversation: "c1", direction: "in", name: "x.png", done: 0, state: "running" }],
  settings: { theme: "dark", sound: true },
});

const events = [
  event(11, "account.state", { account: "a2", state: "waiting", error: { code: "network", message: "refused", fatal: false }, retry_at: "2026-11-22T20:01:00Z" }),
  event(13, "account.state", { account: "a1", state: "online" }),
  event(14, "account.status", { account: "a1", status: "away", status_message: "lunch", idle: true }),
  event(15, "mail", { account: "a1", count: 3 }),
  event(16, "buddy.updated", { account: "a1", buddy: buddy("b2", { status: "away", status_message: "brb" }) }),
  event(17, "buddy.added", { account: "a1", buddies: [buddy("b3"), buddy("b4", { group: "Work" })] }),
  event(18, "group.added", { group: { name: "Work", order: 2, collapsed: false } }),
  event(19, "buddy.removed", { account: "a1", buddies: ["b1"] }),
  event(20, "message.received", { account: "a1", conversation: "t1", message: message("m11", "are you there?") }),
  event(21, "message.sent", { account: "a1", conversation: "t1", message: own("m12", "yes") }),
  event(22, "conversation.read", { account: "a1", conversation: "t1", read_upto: "m12", unread: 0, mentions: 0 }),
  event(23, "message.received", { account: "a1", conversation: "t1", message: message("m13", "good") }),
  event(24, "message.received", { account: "a1", conversation: "r1", message: message("m14", "from before", { delayed: true }) }),
  event(25, "message.received", { account: "a1", conversation: "r1", message: message("m15", "ines: hi", { highlight: true }) }),
  event(26, "message.system", { account: "a1", conversation: "r1", message: message("m16", "abel joined", { system: true, from: { name: "", self: false } }) }),
  event(27, "room.members", { account: "a1", conversation: "r1", left: ["otto", "wren"], joined: [{ name: "abel" }, { name: "wren2" }], changed: [{ name: "abel", flags: ["operator"] }], renamed: [["wren", "wren2"]], initial: false }),
  event(28, "room.topic", { account: "a1", conversation: "r1", topic: "new" }),
  event(29, "conversation.opened", { account: "a1", conversation: conversation("t2", { messages: [message("m17", "new here")] }) }),
  event(30, "conversation.updated", { account: "a1", conversation: { ...conversation("t2", { title: "Better name", unread: 0 }), messages: undefined } }),
  event(31, "conversation.closed", { account: "a1", conversation: "t2" }),
  event(32, "request.closed", { request: "q1" }),
  event(33, "request.opened", { account: "a1", request: { id: "q2", account: "a1", kind: "input", title: "Name?", primary: "", secondary: "", buttons: [], fields: [] } }),
  event(34, "authorization.opened", { account: "a1", authorization: { id: "z1", account: "a1", from: "x@y", known: false } }),
  event(35, "notice.rows", { notice: "n1", rows: [["Bert"]] }),
  event(36, "transfer.closed", { transfer: "f1", state: "done" }),
  event(37, "status", { status: "unavailable", message: "busy" }),
  event(38, "settings", { values: { theme: null } }),
  event(39, "settings", { values: { layout: [1] } }),
  event(40, "account.removed", { account: "a3" }),
  event(41, "group.updated", { group: { name: "Work", order: 5, collapsed: true } }),
  event(42, "account.added", { account: account("a4") }),
];

const later = snapshot({
  accounts: [
    account("a1", { status: "away", status_message: "lunch", idle: true, mail: 3 }),
    account("a2", { state: "waiting", error: { code: "network", message: "refused", fatal: false }, retry_at: "2026-11-22T20:01:00Z" }),
    account("a4"),
  ],
  groups: [{ name: "Friends", order: 0, collapsed: false }, { name: "Work", order: 5, collapsed: true }],
  buddies: [buddy("b2", { status: "away", status_message: "brb" }), buddy("b3"), buddy("b4", { group: "Work" })],
  conversations: [
    conversation("t1", { messages: [message("m10", "hello"), message("m11", "are you there?"), own("m12", "yes"), message("m13", "good")], unread: 1, read_upto: "m12" }),
    conversation("r1", {
      kind: "room",
      members: [{ name: "ines", flags: ["self"] }, { name: "abel", flags: ["operator"] }, { name: "wren2" }],
      joined: true,
      topic: "new",
      unread: 1,
      mentions: 1,
      messages: [
        message("m14", "from before", { delayed: true }),
        message("m15", "ines: hi", { highlight: true }),
        message("m16", "abel joined", { system: true, from: { name: "", self: false } }),
      ],
    }),
  ],
  requests: [{ id: "q2", account: "a1", kind: "input", title: "Name?", primary: "", secondary: "", buttons: [], fields: [] }],
  authorizations: [{ id: "z1", account: "a1", from: "x@y", known: false }],
  notices: [{ id: "n1", kind: "search", title: "Found", body: [], columns: ["Name"], rows: [["Ada"], ["Bert"]] }],
  status: { status: "unavailable", message: "busy" },
  settings: { sound: true, layout: [1] },
});

test("events after a snapshot lead to the later snapshot", () => {
  const model = apply(fromSnapshot(attached(10, start)), events);
  assert.deepEqual(told(model), told(fromSnapshot(attached(42, later))));
});

test("how the events are grouped does not matter", () => {
  const base = fromSnapshot(attached(10, start));
  const once = apply(base, events);
  const singly = events.reduce((model, one) => apply(model, [one]), base);
  assert.deepEqual(told(singly), told(once));
});

test("events that were already applied are skipped", () => {
  const model = apply(fromSnapshot(attached(10, start)), events);
  assert.deepEqual(told(apply(model, events)), told(model));
});

test("applying changes nothing of the state before", () => {
  const base = fromSnapshot(attached(10, start));
  const before = structuredClone(told(base));
  apply(base, events);
  assert.deepEqual(told(base), before);
});

test("parts that no event touches keep their identity", () => {
  const base = fromSnapshot(attached(10, start));
  const model = apply(base, [event(11, "typing", { account: "a1", conversation: "t1", who: "noor", state: "typing" })]);
  assert.equal(model.buddies, base.buddies);
  assert.equal(model.talks, base.talks);
  assert.deepEqual(model.typing.get("t1"), { noor: "typing" });
});

test("typing ends with its message, and by its own word", () => {
  let model = fromSnapshot(attached(10, start));
  model = apply(model, [event(11, "typing", { conversation: "t1", who: "noor@example.org", state: "typing" })]);
  model = apply(model, [event(12, "message.received", { conversation: "t1", message: message("m20", "hi") })]);
  assert.deepEqual(model.typing.get("t1"), {});
  model = apply(model, [event(13, "typing", { conversation: "t1", who: "noor", state: "paused" }), event(14, "typing", { conversation: "t1", who: "noor", state: "none" })]);
  assert.deepEqual(model.typing.get("t1"), {});
});

test("an echo takes the place of the pending message of its command", () => {
  let model = fromSnapshot(attached(10, start));
  const out = { command: "c1", conversation: "t1", text: "yes", time: "2026-11-22T20:00:00Z", state: "pending" as const, after: null, error: null };
  model = addOutgoing(addOutgoing(model, out), { ...out, command: "c2", text: "no" });
  model = apply(model, [event(11, "message.sent", { conversation: "t1", message: own("m12", "yes"), origin: { client: "x", command: "c1" } })]);
  assert.deepEqual(model.outgoing.get("t1")?.map((one) => one.command), ["c2"]);
  model = settleOutgoing(model, "t1", "c2", { state: "unknown", error: { code: "unknown_fate", message: "" } });
  assert.equal(model.outgoing.get("t1")?.[0]?.state, "unknown");
  model = settleOutgoing(model, "t1", "c2", null);
  assert.equal(model.outgoing.get("t1")?.length, 0);
});

test("a new snapshot keeps messages known before, by id, and outgoing ones", () => {
  let model = fromSnapshot(attached(10, start));
  model = addOutgoing(model, { command: "c1", conversation: "t1", text: "x", time: "", state: "pending", after: null, error: null });
  const next = snapshot({ conversations: [conversation("t1", { messages: [message("m10", "hello"), message("m11", "more")] })] });
  model = fromSnapshot(attached(90, next, { epoch: "e2" }), model);
  assert.deepEqual(model.talks.get("t1")?.messages.map((one) => one.id), ["m10", "m11"]);
  assert.equal(model.talks.get("t1")?.gap, null);
  assert.equal(model.outgoing.get("t1")?.length, 1);
  assert.equal(model.talks.has("r1"), false);
});

test("a snapshot that does not reach back marks the gap, and history closes it", () => {
  const guest = { user: { id: "u1", name: "ines", guest: true } };
  let model = fromSnapshot(attached(10, start, guest));
  model = fromSnapshot(attached(90, snapshot({ conversations: [conversation("t1", { messages: [message("m40", "much later")] })] }), guest), model);
  assert.equal(model.talks.get("t1")?.gap, "m40");
  model = fillGap(model, "t1", [message("m30", "between")], true);
  assert.equal(model.talks.get("t1")?.gap, "m30");
  model = fillGap(model, "t1", [message("m10", "hello"), message("m20", "between")], true);
  assert.equal(model.talks.get("t1")?.gap, null);
  assert.deepEqual(model.talks.get("t1")?.messages.map((one) => one.id), ["m10", "m20", "m30", "m40"]);
});

test("another user's state is not merged into this one's", () => {
  const model = fromSnapshot(attached(10, start));
  const other = fromSnapshot(attached(1, snapshot({ conversations: [conversation("t1")] }), { user: { id: "u2", name: "otto", guest: true } }), model);
  assert.deepEqual(other.talks.get("t1")?.messages, []);
});

test("earlier messages go on top and tell whether there are more", () => {
  let model = fromSnapshot(attached(10, start));
  model = changeTalk(model, "t1", (talk) => older(talk, { messages: [message("m05", "a"), message("m06", "b")], more: false, gaps: [] }, true));
  assert.deepEqual(model.talks.get("t1")?.messages.map((one) => one.id), ["m05", "m06", "m10"]);
  assert.equal(model.talks.get("t1")?.more, false);
});

test("deleted history is gone, also where it is read, and a message that was taken back", () => {
  const base = fromSnapshot(attached(10, start));
  const read = changeTalk(base, "t1", (talk) => ({ ...talk, past: { messages: [message("m01", "long ago"), message("m02", "too")], more: true } }));
  const taken = apply(read, [event(11, "message.removed", { account: "a1", conversation: "t1", message: "m02" })]).talks.get("t1");
  assert.deepEqual([taken?.past?.messages.map((one) => one.id), taken?.messages.map((one) => one.id)], [["m01"], ["m10"]]);
  const empty = apply(read, [event(11, "history.deleted", { account: "a1", conversation: "t1", whole: false })]).talks.get("t1");
  assert.deepEqual([empty?.messages, empty?.past, empty?.more, empty?.unread], [[], null, false, 0]);
});

test("what is said while nothing is kept is marked, of a user of the site only", () => {
  const sent = [event(11, "kept", { kept: false }), event(12, "message.sent", { conversation: "t1", message: own("m12", "yes") })];
  const model = apply(fromSnapshot(attached(10, start)), sent);
  assert.equal(model.kept, false);
  assert.equal(model.talks.get("t1")?.messages.at(-1)?.unkept, true);
  // The mark outlasts the next snapshot, which does not know it.
  const next = snapshot({ conversations: [conversation("t1", { messages: [message("m10", "hello"), own("m12", "yes")] })] });
  assert.equal(fromSnapshot(attached(13, next), model).talks.get("t1")?.messages.at(-1)?.unkept, true);
  const guest = fromSnapshot(attached(10, start, { user: { id: "g", name: "g", guest: true } }));
  assert.equal(apply(guest, sent).talks.get("t1")?.messages.at(-1)?.unkept, undefined);
});

test("a command's own word marks what it sent", () => {
  const origin = { client: "x", command: "c1" };
  let model = apply(fromSnapshot(attached(10, start)), [event(11, "message.sent", { conversation: "t1", message: own("m12", "yes"), origin })]);
  model = markUnkept(model, "t1", "c1");
  assert.equal(model.talks.get("t1")?.messages.at(-1)?.unkept, true);
});

test("a guest who becomes a user keeps all that is here", () => {
  const guest = fromSnapshot(attached(10, start, { user: { id: "g1", name: "ines@example.org", guest: true } }));
  const user = { id: "u7", name: "ines", guest: false };
  const model = apply(guest, [event(11, "user", { user })]);
  assert.deepEqual(model.user, user);
  const again = fromSnapshot(attached(12, snapshot({ conversations: [conversation("t1", { messages: [message("m10", "hello")] })] }), { user }), addOutgoing(model, { command: "c1", conversation: "t1", text: "x", time: "", state: "pending", after: null, error: null }));
  assert.equal(again.outgoing.get("t1")?.length, 1);
});

test("a pending message that is sent takes its own place, and one that is not shown none", () => {
  const waits = { ...own("m12", "later"), state: "pending" as const };
  let model = apply(fromSnapshot(attached(10, start)), [event(11, "message.sent", { conversation: "t1", message: waits }), event(12, "message.received", { conversation: "t1", message: message("m13", "hm") })]);
  model = apply(model, [event(13, "message.updated", { conversation: "t1", message: own("m12", "later") })]);
  assert.equal(model.talks.get("t1")?.unread, 2, "it is nothing new");
  assert.deepEqual(model.talks.get("t1")?.messages.map((one) => [one.id, one.state]), [["m10", undefined], ["m12", "sent"], ["m13", undefined]]);
  model = apply(model, [event(14, "message.sent", { conversation: "t1", message: own("m05", "very old") }), event(15, "message.updated", { conversation: "t1", message: own("m06", "older") })]);
  assert.equal(model.talks.get("t1")?.messages[0]?.id, "m10");
});

test("a gap begins, and ends", () => {
  const gap = { after: "m10", before: null, from: "2026-11-22T20:00:00Z", to: null, why: "offline" };
  let model = apply(fromSnapshot(attached(10, start)), [event(11, "conversation.gap", { account: "a1", conversation: "t1", gap })]);
  assert.deepEqual(model.talks.get("t1")?.gaps, [gap]);
  const over = { ...gap, to: "2026-11-22T21:00:00Z", before: "m20" };
  model = apply(model, [event(12, "conversation.gap", { account: "a1", conversation: "t1", gap: over }), event(13, "conversation.updated", { account: "a1", conversation: { ...conversation("t1"), messages: undefined } })]);
  assert.deepEqual(model.talks.get("t1")?.gaps, [over]);
});

test("what the history has is not fetched at once after a long absence, and stays where it is read", () => {
  const model = fromSnapshot(attached(90, snapshot({ conversations: [conversation("t1", { messages: [message("m40", "much later")] })] })), fromSnapshot(attached(10, start)));
  const talk = model.talks.get("t1");
  assert.equal(talk?.gap, null);
  assert.deepEqual([talk?.past?.messages.map((one) => one.id), talk?.messages.map((one) => one.id), talk?.more], [["m10"], ["m40"], true]);
});

test("reading shows at once", () => {
  const model = markRead(fromSnapshot(attached(10, start)), "t1", "m10");
  assert.equal(model.talks.get("t1")?.unread, 0);
  assert.equal(markRead(model, "t1", "m10"), model);
});

test("room lists grow until their last rows", () => {
  let model = fromSnapshot(attached(10, start));
  model = apply(model, [event(11, "room.list", { list: "l1", rows: [{ name: "#a", fields: {} }], more: true })]);
  assert.equal(model.roomLists.get("l1")?.running, true);
  model = apply(model, [event(12, "room.list", { list: "l1", rows: [{ name: "#b", fields: {} }], more: false })]);
  assert.deepEqual(model.roomLists.get("l1")?.rows.map((row) => row.name), ["#a", "#b"]);
  assert.equal(model.roomLists.get("l1")?.running, false);
});

test("a room list that ends too early keeps its rows and says why", () => {
  const error = { code: "list_lost", message: "Ask again." };
  let model = fromSnapshot(attached(10, start));
  model = apply(model, [event(11, "room.list", { list: "l1", rows: [{ name: "#a", fields: {} }], more: true })]);
  assert.equal(model.roomLists.get("l1")?.error, null);
  model = apply(model, [event(12, "room.list", { list: "l1", rows: [], more: false, error }), event(13, "room.list", { list: "l2", rows: [], more: false, error })]);
  assert.deepEqual(model.roomLists.get("l1"), { id: "l1", rows: [{ name: "#a", fields: {} }], running: false, error });
  // Of one that had no rows yet, too.
  assert.deepEqual(model.roomLists.get("l2"), { id: "l2", rows: [], running: false, error });
});

test("an unknown event moves only the cursor", () => {
  const base = fromSnapshot(attached(10, start));
  const model = apply(base, [event(11, "pounce.added", { pounce: { id: "p" } })]);
  assert.deepEqual({ ...told(model), seq: 10 }, told(base));
});

test("a line that says a message was not delivered takes nothing away that can be tried again", () => {
  let model = fromSnapshot(attached(10, start));
  model = addOutgoing(model, { command: "c1", conversation: "t1", text: "x", time: "", state: "pending", after: null, error: null });
  const failed = message("m21", "Unable to send", { state: "failed" });
  model = apply(model, [event(11, "message.failed", { conversation: "t1", message: failed, origin: { client: "x", command: "c1" } })]);
  assert.equal(model.outgoing.get("t1")?.length, 1);
  assert.equal(model.talks.get("t1")?.unread, 1);
  assert.equal(model.talks.get("t1")?.messages.at(-1)?.text, "Unable to send");
});

test("a message of unknown fate takes the place of the one under way and keeps what was typed", () => {
  let model = fromSnapshot(attached(10, start));
  const origin = { client: "x", command: "c1" };
  model = addOutgoing(model, { command: "c1", conversation: "t1", text: "//etc", time: "", state: "pending", after: "m10", error: null });
  const line = { ...own("m12", "/etc"), state: "unknown" as const };
  model = apply(model, [event(11, "message.sent", { conversation: "t1", message: line, origin })]);
  model = settleOutgoing(model, "t1", "c1", { state: "unknown", error: { code: "unknown_fate", message: "" } });
  assert.deepEqual(model.outgoing.get("t1"), []);
  const last = model.talks.get("t1")?.messages.at(-1);
  assert.equal(last?.state, "unknown");
  assert.equal(last?.typed, "//etc");
  assert.equal("typed" in line, false);
});

test("a message of unknown fate shows once, though its event was missed", () => {
  const lost = { command: "c1", conversation: "t1", text: "yes", time: "", state: "pending" as const, after: "m12", error: null };
  const fate = { state: "unknown" as const, error: { code: "unknown_fate", message: "" } };
  const shown = (id: string, text: string, state: "unknown" | "sent", from = lost): number => {
    let model = addOutgoing(fromSnapshot(attached(10, start)), from);
    model = fromSnapshot(attached(90, snapshot({ conversations: [conversation("t1", { messages: [message("m10", "hello"), { ...own(id, text), state }] })] })), model);
    return settleOutgoing(model, "t1", "c1", fate).outgoing.get("t1")?.length ?? -1;
  };
  assert.equal(shown("m13", "yes", "unknown"), 0, "the snapshot has it");
  assert.equal(shown("m11", "yes", "unknown"), 1, "an older one with the same words");
  assert.equal(shown("m13", "no", "unknown"), 1, "another one");
  assert.equal(shown("m13", "yes", "sent"), 1, "one that was sent");
  assert.equal(shown("m13", "yes", "unknown", { ...lost, after: null as never }), 0, "the first of its conversation");
});

test("what the daemon let go of is missed only where it is not here", () => {
  const list = [message("001", "one"), message("002", "two")];
  const first = fromSnapshot(attached(1, snapshot({ conversations: [conversation("c1", { messages: list })] }), { user: { id: "u1", name: "g", guest: true } }));
  const later = apply(first, [event(2, "conversation.updated", { conversation: conversation("c1", { messages: [], dropped: true }) })]);
  assert.equal(later.talks.get("c1")?.dropped, undefined, "all of it is still shown");
  const anew = fromSnapshot(attached(3, snapshot({ conversations: [conversation("c1", { messages: list, dropped: true })] })));
  assert.equal(anew.talks.get("c1")?.dropped, true);
});

test("saved searches come, count and go; a hit is none of them", () => {
  const search = { id: "s1", name: "garden", q: "garden", new: 0 };
  const start = fromSnapshot(attached(1, snapshot({ searches: [search] })));
  assert.equal(start.searches.get("s1")?.q, "garden");
  const more = apply(start, [event(2, "search.updated", { search: { ...search, new: 2 } }), event(3, "search.hit", { search: "s1", conversation: "c1" })]);
  assert.deepEqual([...more.searches.values()].map((one) => [one.id, one.new]), [["s1", 2]]);
  assert.equal(apply(more, [event(4, "search.removed", { search: "s1" })]).searches.size, 0);
});

test("bookmarks come, change and go, and go with their account", () => {
  const mark = { id: "b1", account: "a1", name: "garden", fields: { room: "garden" }, autojoin: false };
  const start = fromSnapshot(attached(1, snapshot({ accounts: [account("a1")], bookmarks: [mark] })));
  assert.equal(start.bookmarks.get("b1")?.name, "garden");
  const more = apply(start, [event(2, "bookmark.added", { account: "a1", bookmark: { ...mark, id: "b2" } }), event(3, "bookmark.updated", { account: "a1", bookmark: { ...mark, autojoin: true } })]);
  assert.deepEqual([...more.bookmarks.values()].map((one) => [one.id, one.autojoin]), [["b1", true], ["b2", false]]);
  assert.deepEqual([...apply(more, [event(4, "bookmark.removed", { account: "a1", bookmark: "b1" })]).bookmarks.keys()], ["b2"]);
  assert.equal(apply(more, [event(4, "account.removed", { account: "a1" })]).bookmarks.size, 0);
});

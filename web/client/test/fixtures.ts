// Small makers of wire objects for the tests.
import type { Account, Attached, Buddy, Conversation, Message, Snapshot, WireEvent } from "../src/wire/types";

export const message = (id: string, text: string, more: Partial<Message> = {}): Message => ({
  id, text, time: `2026-11-22T20:${id.slice(-2).padStart(2, "0")}:00.000Z`, spans: [{ text }], from: { name: "noor@example.org", self: false }, ...more,
});
export const own = (id: string, text: string): Message => message(id, text, { from: { name: "ines@example.org", self: true }, state: "sent" });
export const account = (id: string, more: Partial<Account> = {}): Account => ({
  id, protocol: "prpl-jabber", username: `${id}@example.org`, alias: "", enabled: true, state: "online", status: "available", idle: false, features: [], ...more,
});
export const buddy = (id: string, more: Partial<Buddy> = {}): Buddy => ({
  id, account: "a1", name: `${id}@example.org`, alias: "", group: "Friends", contact: id, status: "available", blocked: false, ...more,
});
export const conversation = (id: string, more: Partial<Conversation> = {}): Conversation => ({
  id, account: "a1", kind: "im", name: `${id}@example.org`, title: id, unread: 0, mentions: 0, messages: [], ...more,
});
export const snapshot = (more: Partial<Snapshot> = {}): Snapshot => ({
  accounts: [], groups: [], buddies: [], conversations: [], requests: [], authorizations: [], notices: [], transfers: [], bookmarks: [], searches: [], status: { status: "available" }, settings: {}, kept: true, ...more,
});
export const attached = (seq: number, snap: Snapshot, more: Partial<Attached> = {}): Attached => ({
  user: { id: "u1", name: "ines", guest: false }, time: "2026-11-22T20:00:00.000Z", epoch: "e1", seq, hold_ms: 1000, heartbeat_ms: 1000, grace_ms: 1000, resume_ms: 1000, commands: [], snapshot: snap, ...more,
});
export const event = (seq: number, type: string, fields: Record<string, unknown> = {}): WireEvent => ({ seq, type, time: "2026-11-22T20:00:00.000Z", ...fields }) as WireEvent;

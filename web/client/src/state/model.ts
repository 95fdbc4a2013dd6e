// The whole state of a signed-in page as plain immutable data; it must not hold what only this screen cares for (windows, drafts, menus).
import type {
  Account, Authorization, Bookmark, Buddy, Conversation, Gap, Group, Message, Notice, OwnStatus, Request, SavedSearch, Settings, Span, Transfer, TypingState, User, WireError,
} from "../wire/types";

/** A message, with what only this page knows of it. */
export interface Line extends Message {
  /** What was typed for it, when that was here and nobody knows whether it was sent. */
  typed?: string;
  /** The command that sent it. */
  command?: string;
  /** Said by a user of the site while nothing was being stored. */
  unkept?: boolean;
}

/** A part of the history that is read, with messages between it and the newest ones that are not here. */
export interface Past {
  messages: Line[];
  /** There may be older ones. */
  more: boolean;
}

/** A conversation with its messages, oldest first. */
export interface Talk extends Conversation {
  messages: Line[];
  /** The history below the oldest message may hold more. */
  more: boolean;
  /** Messages may be missing just before this one (after a gap in the events). */
  gap: string | null;
  /** Times of which messages may be missing for good. */
  gaps?: Gap[] | null;
  /** What is read instead of `messages`. */
  past: Past | null;
}

/** A message of one's own that the daemon has not shown back yet. */
export interface Outgoing {
  command: string;
  conversation: string;
  text: string;
  /** Given: sent as this. */
  spans?: Span[];
  /** The newest message that was known when it was sent. */
  after: string | null;
  time: string;
  state: "pending" | "failed" | "unknown";
  error: WireError | null;
  /** It has left this page at least once. */
  tried?: boolean;
}

/** A row of a room list; a category is a heading. `fields` tells about the room by column. */
export interface RoomRow { name: string; category?: boolean; parent?: string | null; topic?: string; people?: number; fields: Record<string, string> }
/** `error`: why it ended before it was complete. */
export interface RoomList { id: string; rows: RoomRow[]; running: boolean; error: WireError | null }

export interface Model {
  user: User;
  epoch: string;
  seq: number;
  accounts: ReadonlyMap<string, Account>;
  groups: ReadonlyMap<string, Group>;
  buddies: ReadonlyMap<string, Buddy>;
  talks: ReadonlyMap<string, Talk>;
  requests: ReadonlyMap<string, Request>;
  authorizations: ReadonlyMap<string, Authorization>;
  notices: ReadonlyMap<string, Notice>;
  transfers: ReadonlyMap<string, Transfer>;
  bookmarks: ReadonlyMap<string, Bookmark>;
  searches: ReadonlyMap<string, SavedSearch>;
  roomLists: ReadonlyMap<string, RoomList>;
  /** By conversation: who is in which typing state ("none" is absent). */
  typing: ReadonlyMap<string, Readonly<Record<string, TypingState>>>;
  /** By conversation: own messages under way. */
  outgoing: ReadonlyMap<string, readonly Outgoing[]>;
  status: OwnStatus;
  settings: Settings;
  /** What is said is being stored; never for guests. */
  kept: boolean;
}

// The shapes that travel between page and daemon, as WIRE.md names them; it must not hold behaviour.

export type AccountState = "offline" | "connecting" | "online" | "waiting" | "error";
export type StatusKind = "available" | "away" | "unavailable" | "extended_away" | "invisible" | "offline";
export type MessageState = "pending" | "sent" | "failed" | "unknown";
export type TypingState = "typing" | "paused" | "none";

export interface WireError {
  code: string;
  message: string;
  field?: string | null;
  retry_ms?: number | null;
}

export interface User { id: string; name: string; guest: boolean }

export interface Site {
  name: string;
  version: string;
  guests: boolean;
  registration: "open" | "invite" | "closed";
  notice?: string | null;
}

export interface Split { label: string; default?: string | null; separator: string }
export interface Choice { value: string; label: string }
export interface ProtocolOption {
  key: string;
  label: string;
  type: "bool" | "int" | "string" | "choice";
  default?: boolean | number | string | null;
  masked?: boolean;
  choices?: (Choice | string)[] | null;
}
export interface RoomField {
  key: string;
  label: string;
  type: "int" | "string" | "bool" | "choice";
  required?: boolean;
  masked?: boolean;
  default?: string | number | boolean | null;
  min?: number | null;
  max?: number | null;
}
export interface ProtocolStatus { id: string; name: string; kind: string; attributes?: unknown[] }
export interface Protocol {
  id: string;
  name: string;
  icon?: string | null;
  username: { label: string; splits: Split[] };
  password: "required" | "optional" | "none";
  options: ProtocolOption[];
  room_fields: RoomField[];
  statuses: ProtocolStatus[];
  features: string[];
}

export interface AccountError { code: string; message: string; fatal: boolean }
export interface Account {
  id: string;
  protocol: string;
  username: string;
  alias?: string | null;
  icon?: string | null;
  enabled: boolean;
  state: AccountState;
  progress?: { text: string; step: number; steps: number } | null;
  error?: AccountError | null;
  retry_at?: string | null;
  status?: string;
  status_message?: string | null;
  idle?: boolean;
  mail?: number | null;
  features?: string[];
}
export interface Group { name: string; order: number; collapsed: boolean }
export interface Buddy {
  id: string;
  account: string;
  name: string;
  alias?: string | null;
  server_alias?: string | null;
  group: string;
  contact?: string | null;
  status: string;
  status_message?: string | null;
  idle_since?: string | null;
  icon?: string | null;
  blocked?: boolean;
  features?: string[];
}
export interface Member { name: string; alias?: string | null; buddy?: string | boolean | null; flags?: string[] }
export interface Span {
  text: string;
  bold?: boolean;
  italic?: boolean;
  underline?: boolean;
  strike?: boolean;
  code?: boolean;
  quote?: boolean;
  color?: string | null;
  link?: string | null;
  image?: string | null;
}
export interface Sender { name: string; alias?: string | null; buddy?: string | null; self?: boolean }
export interface Message {
  id: string;
  from?: Sender | null;
  time: string;
  text: string;
  spans: Span[];
  delayed?: boolean;
  highlight?: boolean;
  auto_reply?: boolean;
  remote?: boolean;
  system?: boolean;
  state?: MessageState | null;
}
export interface Conversation {
  id: string;
  account: string;
  kind: "im" | "room";
  name: string;
  title: string;
  buddy?: string | null;
  unread: number;
  mentions: number;
  read_upto?: string | null;
  topic?: string | null;
  members?: Member[] | null;
  joined?: boolean | null;
  nick?: string | null;
  messages?: Message[];
}
export interface Button { id: string; label: string; default?: boolean }
export interface RequestField {
  id: string;
  label: string;
  type: string;
  value?: unknown;
  choices?: (Choice | string)[] | null;
  required?: boolean;
  masked?: boolean;
  multiline?: boolean;
  image?: string | null;
}
export interface Request {
  id: string;
  account?: string | null;
  kind: "input" | "choice" | "action" | "fields" | "file" | "certificate";
  title?: string | null;
  primary?: string | null;
  secondary?: string | null;
  buttons: Button[];
  fields: RequestField[];
  details?: Certificate | null;
}
export interface Certificate {
  host: string;
  fingerprint: string;
  names: string[];
  subject: string;
  issuer: string;
  not_before?: string | null;
  not_after?: string | null;
  reason: string;
}
export interface Authorization {
  id: string;
  account: string;
  from: string;
  alias?: string | null;
  message?: string | null;
  known?: boolean;
}
export interface Notice {
  id: string;
  account?: string | null;
  kind: "message" | "formatted" | "mail" | "userinfo" | "search" | "uri";
  title?: string | null;
  body?: Span[];
  columns?: string[] | null;
  rows?: string[][] | null;
  buttons?: Button[] | null;
  url?: string | null;
}
export interface Transfer {
  id: string;
  account: string;
  peer: string;
  direction: "in" | "out";
  name: string;
  size?: number | null;
  done: number;
  state: "offered" | "running" | "done" | "cancelled" | "failed";
}
export interface OwnStatus { status: string; message?: string | null }
export type Settings = Record<string, unknown>;
export interface Snapshot {
  accounts: Account[];
  groups: Group[];
  buddies: Buddy[];
  conversations: Conversation[];
  requests: Request[];
  authorizations: Authorization[];
  notices: Notice[];
  transfers: Transfer[];
  bookmarks: unknown[];
  status: OwnStatus | string;
  settings: Settings;
}

export interface Origin { client: string; command: string }
export interface EventBase { seq: number; time: string; type: string; account?: string; origin?: Origin | null }
export type WireEvent = EventBase & Record<string, unknown>;

export interface CommandFate {
  id: string;
  state: "running" | "done" | "failed";
  result?: unknown;
  error?: WireError | null;
}
export interface Attached {
  user: User;
  epoch: string;
  seq: number;
  hold_ms: number;
  heartbeat_ms?: number;
  grace_ms?: number;
  resume_ms?: number;
  commands?: CommandFate[];
  snapshot: Snapshot;
}
export interface PollAnswer {
  epoch?: string;
  events?: WireEvent[];
  more?: boolean;
  end?: "hold" | "superseded" | "restart" | "auth";
  retry_ms?: number;
  reset?: "gap" | "epoch" | "client";
}
export interface CommandBody { id: string; type: string; [field: string]: unknown }
export interface CommandsAnswer { accepted: string[]; rejected: { id: string; error: WireError }[] }
export interface LoggedIn { user: User; account?: string | Account | null }
export interface HistoryAnswer { messages: Message[]; more: boolean }
export interface Uploaded { upload: string; size: number; type: string }
export interface MenuItem { id?: string | null; label: string; items?: MenuItem[] }

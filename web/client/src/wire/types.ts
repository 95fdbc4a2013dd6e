// The shapes that travel between page and daemon, made by `npm run wire` from the daemon's schema; change the Rust types instead.

/**
 * What a command that went well gives back.
 */
export type Outcome =
  | {
      account: string;
    }
  | {
      conversation: string;
    }
  | {
      items: MenuItem[];
    }
  | {
      list: string;
    }
  | {
      member: MemberAddress;
    }
  | {
      transfer: string;
    }
  | {
      kept: boolean;
    }
  | {
      bookmark: string;
    }
  | {
      search: string;
    };
/**
 * How far a command is.
 */
export type CommandState = "running" | "done" | "failed";
/**
 * A value of a protocol option or of a request's field.
 */
export type Value = boolean | number | string | string[];
/**
 * Where an account stands.
 */
export type AccountState = "offline" | "connecting" | "online" | "waiting" | "error";
/**
 * libpurple's status primitives that a person can choose or see.
 */
export type StatusKind = "available" | "away" | "unavailable" | "extended_away" | "invisible" | "offline";
/**
 * Why messages may be missing.
 */
export type GapWhy = "offline" | "restart" | "store" | "worker";
/**
 * What kind of thing a [`stable`] id names; part of what is hashed.
 */
export type ConversationKind = "im" | "room";
/**
 * What became of a message of the user's own.
 */
export type MessageState = "pending" | "sent" | "delivered" | "failed" | "unknown";
/**
 * What sort of notice.
 */
export type NoticeKind = "message" | "formatted" | "mail" | "userinfo" | "search" | "uri";
/**
 * The sort of an entry of a profile.
 */
export type ProfileKind = "pair" | "heading" | "break";
/**
 * What a field holds.
 */
export type FieldType = "string" | "int" | "bool" | "choice" | "list" | "label" | "image" | "account";
/**
 * What sort of question a request is.
 */
export type RequestKind = "input" | "choice" | "action" | "fields" | "file" | "certificate";
/**
 * A command, by its `type`.
 */
export type Command =
  | (AccountAdd & {
      type: "account.add";
    })
  | (AccountUpdate & {
      type: "account.update";
    })
  | (OfAccount & {
      type: "account.remove";
    })
  | (OfAccount & {
      type: "account.enable";
    })
  | (OfAccount & {
      type: "account.disable";
    })
  | (OfAccount & {
      type: "account.connect";
    })
  | (AccountAlias & {
      type: "account.alias";
    })
  | (AccountPassword & {
      type: "account.password";
    })
  | (AccountIcon & {
      type: "account.icon";
    })
  | (OfAccount & {
      type: "account.register";
    })
  | (OfAccount & {
      type: "account.menu";
    })
  | (AccountAction & {
      type: "account.action";
    })
  | (StatusSet & {
      type: "status.set";
    })
  | (ClientState & {
      type: "client.state";
    })
  | (BuddyAdd & {
      type: "buddy.add";
    })
  | (OfBuddy & {
      type: "buddy.remove";
    })
  | (BuddyAlias & {
      type: "buddy.alias";
    })
  | (BuddyMove & {
      type: "buddy.move";
    })
  | (OfPerson & {
      type: "buddy.info";
    })
  | (OfBuddy & {
      type: "buddy.menu";
    })
  | (BuddyAction & {
      type: "buddy.action";
    })
  | (OfPerson & {
      type: "buddy.block";
    })
  | (OfPerson & {
      type: "buddy.unblock";
    })
  | (Unsupported & {
      type: "buddy.merge";
    })
  | (Unsupported & {
      type: "buddy.split";
    })
  | (GroupRename & {
      type: "group.rename";
    })
  | (GroupRemove & {
      type: "group.remove";
    })
  | (GroupOrder & {
      type: "group.order";
    })
  | (GroupCollapse & {
      type: "group.collapse";
    })
  | (PrivacySet & {
      type: "privacy.set";
    })
  | (Unsupported & {
      type: "pounce.add";
    })
  | (Unsupported & {
      type: "pounce.remove";
    })
  | (BookmarkAdd & {
      type: "bookmark.add";
    })
  | (BookmarkUpdate & {
      type: "bookmark.update";
    })
  | (OfBookmark & {
      type: "bookmark.remove";
    })
  | (ConversationOpen & {
      type: "conversation.open";
    })
  | (OfConversation & {
      type: "conversation.close";
    })
  | (ConversationRead & {
      type: "conversation.read";
    })
  | (MessageSend & {
      type: "message.send";
    })
  | (OfMessage & {
      type: "message.cancel";
    })
  | (OfMessage & {
      type: "message.resend";
    })
  | (HistorySet & {
      type: "history.set";
    })
  | (HistoryDelete & {
      type: "history.delete";
    })
  | (TypingSet & {
      type: "typing.set";
    })
  | (OfConversation & {
      type: "attention.send";
    })
  | (RoomJoin & {
      type: "room.join";
    })
  | (OfConversation & {
      type: "room.leave";
    })
  | (RoomInvite & {
      type: "room.invite";
    })
  | (RoomMember & {
      type: "room.member";
    })
  | (RoomTopic & {
      type: "room.topic";
    })
  | (RoomNick & {
      type: "room.nick";
    })
  | (RoomMenu & {
      type: "room.menu";
    })
  | (RoomAction & {
      type: "room.action";
    })
  | (OfAccount & {
      type: "room.list";
    })
  | (RoomListStop & {
      type: "room.list_stop";
    })
  | (TransferSend & {
      type: "transfer.send";
    })
  | (OfTransfer & {
      type: "transfer.accept";
    })
  | (OfTransfer & {
      type: "transfer.cancel";
    })
  | (RequestAnswer & {
      type: "request.answer";
    })
  | (AuthorizationAnswer & {
      type: "authorization.answer";
    })
  | (NoticeClose & {
      type: "notice.close";
    })
  | (NoticeAction & {
      type: "notice.action";
    })
  | (SearchOpen & {
      type: "search.open";
    })
  | (OfSearch & {
      type: "search.close";
    })
  | (SearchSave & {
      type: "search.save";
    })
  | (OfSearch & {
      type: "search.seen";
    })
  | (OfSearch & {
      type: "search.remove";
    })
  | (SettingsSet & {
      type: "settings.set";
    });
/**
 * Typing states.
 */
export type TypingState = "typing" | "paused" | "none";
/**
 * A numbered event.
 */
export type Event = {
  /**
   * The command that caused it.
   */
  origin?: Origin | null;
  /**
   * Strictly increasing, below 2^53; gaps are normal.
   */
  seq: number;
  /**
   * When it was logged.
   */
  time: string;
} & Event1;
export type Event1 =
  | {
      account: Account;
      type: "account.added";
    }
  | {
      account: Account;
      type: "account.updated";
    }
  | {
      /**
       * The account.
       */
      account: string;
      type: "account.removed";
    }
  | {
      /**
       * The account.
       */
      account: string;
      /**
       * While waiting or in error.
       */
      error?: AccountError | null;
      /**
       * While connecting.
       */
      progress?: Progress | null;
      /**
       * While waiting.
       */
      retry_at?: string | null;
      state: AccountState;
      type: "account.state";
    }
  | {
      /**
       * The account.
       */
      account: string;
      /**
       * Shown as idle.
       */
      idle: boolean;
      status: StatusKind;
      /**
       * Own words with it.
       */
      status_message?: string | null;
      type: "account.status";
    }
  | {
      /**
       * The account of the buddies.
       */
      account: string;
      /**
       * The whole of each.
       */
      buddies: Buddy[];
      type: "buddy.added";
    }
  | {
      /**
       * The account of the buddy.
       */
      account: string;
      buddy: Buddy;
      type: "buddy.updated";
    }
  | {
      /**
       * The account of the buddies.
       */
      account: string;
      /**
       * Their ids.
       */
      buddies: string[];
      type: "buddy.removed";
    }
  | {
      group: Group;
      type: "group.added";
    }
  | {
      group: Group;
      type: "group.updated";
    }
  | {
      /**
       * Its name.
       */
      group: string;
      type: "group.removed";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      conversation: Conversation;
      type: "conversation.opened";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      conversation: Conversation;
      type: "conversation.updated";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      type: "conversation.closed";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      /**
       * Of these, those that name the user.
       */
      mentions: number;
      /**
       * Id of the last message seen.
       */
      read_upto?: string | null;
      type: "conversation.read";
      /**
       * Messages received since.
       */
      unread: number;
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      gap: Gap;
      type: "conversation.gap";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      type: "history.deleted";
      /**
       * The conversation is gone, too; its `conversation.closed` came before.
       */
      whole: boolean;
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      message: Message;
      type: "message.received";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      message: Message;
      type: "message.sent";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      message: Message;
      type: "message.system";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      message: Message;
      type: "message.failed";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      message: Message;
      type: "message.updated";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      /**
       * Its id.
       */
      message: string;
      type: "message.removed";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      state: TypingState;
      type: "typing";
      /**
       * Who writes, or stopped.
       */
      who: string;
    }
  | {
      /**
       * The account of the room.
       */
      account: string;
      /**
       * Other flags or another alias.
       */
      changed: Member[];
      /**
       * The room.
       */
      conversation: string;
      /**
       * The list that comes with joining: it replaces what was there.
       */
      initial: boolean;
      /**
       * New ones.
       */
      joined: Member[];
      /**
       * Nicks that are gone.
       */
      left: string[];
      /**
       * Nicks as `[old, new]`: the old one is in `left`, the new one in `joined`.
       */
      renamed: [unknown, unknown][];
      type: "room.members";
    }
  | {
      /**
       * The account of the room.
       */
      account: string;
      /**
       * The room.
       */
      conversation: string;
      /**
       * Plain text, now.
       */
      topic: string;
      type: "room.topic";
      /**
       * By whom.
       */
      who?: string | null;
    }
  | {
      /**
       * On which account.
       */
      account: string;
      /**
       * Their words, plain text.
       */
      message?: string | null;
      /**
       * The network's name of it.
       */
      room: string;
      type: "room.invited";
      /**
       * Who asks.
       */
      who: string;
    }
  | {
      /**
       * Why it ends before it is complete; asked for again, it may come whole.
       */
      error?: ErrorBody | null;
      /**
       * Its id.
       */
      list: string;
      /**
       * False with the last rows.
       */
      more: boolean;
      /**
       * The new rows.
       */
      rows: RoomRow[];
      type: "room.list";
    }
  | {
      /**
       * The account whose rooms are searched.
       */
      account: string;
      /**
       * Whether there is more to come.
       */
      pending: boolean;
      type: "discover.changed";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation.
       */
      conversation: string;
      /**
       * What it is called there; often empty.
       */
      text: string;
      type: "attention";
      /**
       * Who.
       */
      who: string;
    }
  | {
      /**
       * The account whose mailbox it is.
       */
      account: string;
      /**
       * Unread ones.
       */
      count: number;
      type: "mail";
    }
  | {
      /**
       * The account it is about.
       */
      account?: string | null;
      notice: Notice;
      type: "notice.opened";
    }
  | {
      /**
       * There were more than are kept: none come after these.
       */
      cut: boolean;
      /**
       * The notice.
       */
      notice: string;
      /**
       * To be added to those that are there.
       */
      rows: string[][];
      type: "notice.rows";
    }
  | {
      /**
       * The notice.
       */
      notice: string;
      type: "notice.closed";
    }
  | {
      /**
       * The account it is about.
       */
      account?: string | null;
      request: Request;
      type: "request.opened";
    }
  | {
      /**
       * The request.
       */
      request: string;
      type: "request.closed";
    }
  | {
      /**
       * Which account they want to see.
       */
      account: string;
      authorization: Authorization;
      type: "authorization.opened";
    }
  | {
      /**
       * The authorization.
       */
      authorization: string;
      type: "authorization.closed";
    }
  | {
      /**
       * The account of the transfer.
       */
      account: string;
      transfer: Transfer;
      type: "transfer.opened";
    }
  | {
      /**
       * The account of the transfer.
       */
      account: string;
      transfer: Transfer;
      type: "transfer.progress";
    }
  | {
      /**
       * `done`, `cancelled` or `failed`.
       */
      state: string;
      /**
       * The transfer.
       */
      transfer: string;
      type: "transfer.closed";
    }
  | {
      /**
       * Of which account.
       */
      account: string;
      /**
       * Names refused.
       */
      deny: string[];
      /**
       * `allow_all`, `deny_all`, `allow_users`, `deny_users`, `allow_buddies` (PurplePrivacyType).
       */
      mode: string;
      /**
       * Names allowed.
       */
      permit: string[];
      type: "privacy";
    }
  | {
      /**
       * The account that joins the room.
       */
      account: string;
      bookmark: Bookmark;
      type: "bookmark.added";
    }
  | {
      /**
       * The account that joins the room.
       */
      account: string;
      bookmark: Bookmark;
      type: "bookmark.updated";
    }
  | {
      /**
       * The account that joined the room.
       */
      account: string;
      /**
       * Id of the bookmark that is gone.
       */
      bookmark: string;
      type: "bookmark.removed";
    }
  | {
      /**
       * The account of the conversation.
       */
      account: string;
      /**
       * The conversation of the message, which need not be open.
       */
      conversation: string;
      kind: ConversationKind;
      message: Message;
      /**
       * The network's name of the conversation.
       */
      name: string;
      /**
       * The places of the words in `message.text`: `[from, to]`, in order, counted in UTF-16 units as JavaScript's strings are.
       */
      ranges: [unknown, unknown][];
      /**
       * Id of the search.
       */
      search: string;
      /**
       * The name of the conversation to show.
       */
      title: string;
      type: "search.hit";
    }
  | {
      search: SavedSearch;
      type: "search.updated";
    }
  | {
      /**
       * Id of the search that is gone.
       */
      search: string;
      type: "search.removed";
    }
  | {
      /**
       * Their own words, plain text.
       */
      message?: string | null;
      status: StatusKind;
      type: "status";
    }
  | {
      /**
       * True: everything that is said is stored.
       */
      kept: boolean;
      type: "kept";
    }
  | {
      type: "user";
      user: User;
    }
  | {
      type: "settings";
      /**
       * By key.
       */
      values: {
        [k: string]: unknown;
      };
    }
  | {
      /**
       * What it gives back.
       */
      result?: Outcome | null;
      type: "command.done";
    }
  | {
      error: ErrorBody;
      type: "command.failed";
    };
/**
 * Why a poll ended without events, or a stream.
 */
export type End = "hold" | "superseded" | "restart" | "auth";
/**
 * Why a poll or stream cannot be continued: attach again.
 */
export type Reset = "gap" | "epoch" | "client";
/**
 * Type of a protocol option.
 */
export type OptionType = "bool" | "int" | "string" | "choice";
/**
 * Whether a protocol wants a password.
 */
export type PasswordNeed = "required" | "optional" | "none";
/**
 * Who may make a user of this site.
 */
export type Registration = "open" | "invite" | "closed";
/**
 * How users of this site sign in.
 */
export type SignIn = "password" | "header";

/**
 * What crosses between browser and daemon.
 */
export interface Wire {
  attach?: Detach;
  attached?: Attached;
  command?: Command;
  commanded?: Commanded;
  commands?: Commands;
  detach?: Detach;
  discovered?: Discovered;
  error?: ErrorBody;
  event?: Event;
  health?: Health;
  heartbeat?: Heartbeat;
  history?: History;
  logged_in?: LoggedIn;
  login?: LoginRequest;
  me?: Me;
  me_delete?: Confirmed;
  me_password?: PasswordChange;
  me_recovery?: Confirmed;
  me_sign_out?: SignOut;
  poll?: PollAnswer;
  protocols?: Protocol[];
  recover?: RecoverRequest;
  recovery_code?: RecoveryCode;
  register?: RegisterRequest;
  registered?: Registered;
  search?: SearchAnswer;
  site?: Site;
  stream_end?: StreamEnd;
  uploaded?: Uploaded;
}
/**
 * Body of `POST /attach` and `POST /detach`.
 */
export interface Detach {
  /**
   * Random id of the tab or browser: 1 to 64 of `A-Z a-z 0-9 - _`.
   */
  client: string;
}
/**
 * Answer of `POST /attach`.
 */
export interface Attached {
  /**
   * This client's own commands, oldest first.
   */
  commands: CommandFate[];
  /**
   * Which log the sequence numbers belong to.
   */
  epoch: string;
  /**
   * Time without a poll after which the user counts as gone.
   */
  grace_ms: number;
  /**
   * How often a stream gives a sign of life.
   */
  heartbeat_ms: number;
  /**
   * How long a poll is held at most.
   */
  hold_ms: number;
  /**
   * How long a silent client may come back without attaching anew.
   */
  resume_ms: number;
  /**
   * The snapshot contains everything up to this event.
   */
  seq: number;
  snapshot: Snapshot;
  /**
   * The server's time of day: a browser's own may be wrong.
   */
  time: string;
  user: User;
}
/**
 * What became of a command of this client.
 */
export interface CommandFate {
  /**
   * For `failed`.
   */
  error?: ErrorBody | null;
  /**
   * The client's id of it.
   */
  id: string;
  /**
   * For `done`, when it gives something back.
   */
  result?: Outcome | null;
  state: CommandState;
}
/**
 * Why something was not done; `code` is for programs, `message` for the person.
 */
export interface ErrorBody {
  /**
   * One of [`super::ERROR_CODES`].
   */
  code: string;
  /**
   * The field at fault, as `options.port`.
   */
  field?: string | null;
  /**
   * A sentence.
   */
  message: string;
  /**
   * When to try again, in milliseconds from now.
   */
  retry_ms?: number | null;
}
/**
 * An entry of a menu that the protocol offers.
 */
export interface MenuItem {
  /**
   * Hard to take back: to be asked about once.
   */
  danger?: boolean;
  /**
   * To be given back in `….action`; absent for a heading.
   */
  id?: string | null;
  /**
   * Entries below it.
   */
  items?: MenuItem[];
  /**
   * Its text.
   */
  label: string;
  /**
   * Words about it, smaller.
   */
  note?: string;
  /**
   * Words may be given with it, which others read (`room.action`).
   */
  reason?: boolean;
  /**
   * A moment that an entry without an id tells of.
   */
  time?: string | null;
}
/**
 * By what name the network knows someone in a room.
 */
export interface MemberAddress {
  /**
   * The name to write to, get info of and block.
   */
  address: string;
  /**
   * True: the person's own address, which can be on a buddy list. False: an address in the room, which hides the person's own.
   */
  real: boolean;
}
/**
 * The whole state of a user as of a sequence number.
 */
export interface Snapshot {
  /**
   * IM accounts.
   */
  accounts: Account[];
  /**
   * Open authorizations.
   */
  authorizations: Authorization[];
  /**
   * Rooms to come back to.
   */
  bookmarks: Bookmark[];
  /**
   * Buddies of all accounts.
   */
  buddies: Buddy[];
  /**
   * Open conversations.
   */
  conversations: Conversation[];
  /**
   * Groups that have buddies.
   */
  groups: Group[];
  /**
   * Messages are being stored; false for guests.
   */
  kept?: boolean;
  /**
   * Open notices.
   */
  notices: Notice[];
  /**
   * Open questions.
   */
  requests: Request[];
  /**
   * Searches that are kept, in the order of their making.
   */
  searches?: SavedSearch[];
  /**
   * What `settings.set` kept.
   */
  settings: {
    [k: string]: unknown;
  };
  status: Status;
  /**
   * Transfers that are not over.
   */
  transfers: Transfer[];
}
/**
 * An IM account of the user.
 */
export interface Account {
  /**
   * The name others see; empty when the protocol keeps none.
   */
  alias: string;
  /**
   * Meant to be signed on.
   */
  enabled: boolean;
  /**
   * While waiting or in error.
   */
  error?: AccountError | null;
  /**
   * What the protocol can do: `im`, `rooms`, `room_list`, `room_topic`, `room_nick`, `room_invite`, `typing`, `files`, `icons`, `block`, `info`, `alias`, `attention`,
   * `password`, `register`, `invisible`, `offline_messages`, `invite_message`, `menu`; and, once it was signed on, what its connection says: `html`
   * (takes formatting), `lines` (each line of a text is a message of its own).
   */
  features: string[];
  /**
   * Own icon: a media hash.
   */
  icon?: string | null;
  /**
   * Its id.
   */
  id: string;
  /**
   * Shown as idle.
   */
  idle: boolean;
  /**
   * Unread mails, for protocols with a mailbox.
   */
  mail?: number | null;
  /**
   * The protocol's options that differ from their defaults ([`crate::model::ProtocolOption::default`]). Masked ones are not told.
   */
  options?: {
    [k: string]: Value;
  };
  /**
   * While connecting.
   */
  progress?: Progress | null;
  /**
   * Protocol id, as `prpl-jabber`.
   */
  protocol: string;
  /**
   * While waiting.
   */
  retry_at?: string | null;
  state: AccountState;
  status: StatusKind;
  /**
   * Own words with it.
   */
  status_message?: string | null;
  /**
   * Full libpurple user name.
   */
  username: string;
}
/**
 * Why an account is not online.
 */
export interface AccountError {
  /**
   * `network`, `wrong_password`, `wrong_username`, `certificate`, `refused_address`, `name_in_use`, `timeout`, … (PurpleConnectionError in snake_case).
   */
  code: string;
  /**
   * True: will not be tried again by itself.
   */
  fatal: boolean;
  /**
   * The network's or libpurple's own words.
   */
  message: string;
}
/**
 * How far a sign-on is.
 */
export interface Progress {
  /**
   * This step, from 0.
   */
  step: number;
  /**
   * Steps in all.
   */
  steps: number;
  /**
   * libpurple's words for this step.
   */
  text: string;
}
/**
 * Somebody wants to add the user (or has).
 */
export interface Authorization {
  /**
   * Which account they want to see.
   */
  account: string;
  /**
   * Their other name.
   */
  alias?: string | null;
  /**
   * Who.
   */
  from: string;
  /**
   * Its id.
   */
  id: string;
  /**
   * Already on the user's list.
   */
  known: boolean;
  /**
   * Their words, plain text.
   */
  message?: string | null;
}
/**
 * A room to come back to.
 */
export interface Bookmark {
  /**
   * The account that joins the room.
   */
  account: string;
  /**
   * Whether the room is joined at each sign-on.
   */
  autojoin?: boolean;
  /**
   * The conversation of the room, once known; open or not.
   */
  conversation?: string | null;
  /**
   * The form that joins the room, without masked fields (`room_fields`): `room.join` with `bookmark` knows those, too.
   */
  fields: {
    [k: string]: string;
  };
  /**
   * Unique among the user's bookmarks; set by the daemon.
   */
  id: string;
  /**
   * Name in the list; set by the user, else as `bookmark.add` says.
   */
  name: string;
}
/**
 * A buddy.
 */
export interface Buddy {
  /**
   * The account of the buddy.
   */
  account: string;
  /**
   * What this user calls them; empty when they do not.
   */
  alias: string;
  /**
   * Blocked by this user.
   */
  blocked: boolean;
  /**
   * The contact they belong to (the buddy's own id until merged).
   */
  contact: string;
  /**
   * What can be done with this buddy.
   */
  features?: string[];
  /**
   * The group's name.
   */
  group: string;
  /**
   * Media hash.
   */
  icon?: string | null;
  /**
   * Its id.
   */
  id: string;
  /**
   * Since when they are idle.
   */
  idle_since?: string | null;
  /**
   * The network's name of them.
   */
  name: string;
  /**
   * What they call themselves.
   */
  server_alias?: string | null;
  status: StatusKind;
  /**
   * Their words, plain text.
   */
  status_message?: string | null;
}
/**
 * A conversation. `messages` and `members` are absent where they did not change (`conversation.updated`).
 */
export interface Conversation {
  /**
   * The account of the conversation.
   */
  account: string;
  /**
   * IMs: blocked by this user.
   */
  blocked?: boolean;
  /**
   * For an IM with a buddy.
   */
  buddy?: string | null;
  /**
   * Days after which its messages are deleted, 0 for never; absent: as the user's setting `history` says.
   */
  days?: number | null;
  /**
   * Messages before those that the daemon holds in memory were let go of: only the history may have them.
   */
  dropped?: boolean;
  /**
   * Gaps among and after `messages`, oldest first; absent where there are none, and in `conversation.updated`.
   */
  gaps?: Gap[] | null;
  /**
   * Its id.
   */
  id: string;
  /**
   * Rooms: in it now.
   */
  joined?: boolean | null;
  /**
   * Whether its messages are stored; absent: as the user's setting `history` says.
   */
  keep?: boolean | null;
  kind: ConversationKind;
  /**
   * Rooms: everyone, the user included.
   */
  members?: Member[] | null;
  /**
   * Of these, those that name the user.
   */
  mentions: number;
  /**
   * The last ones, newest last.
   */
  messages?: Message[] | null;
  /**
   * The network's name.
   */
  name: string;
  /**
   * Rooms: the user's nick there.
   */
  nick?: string | null;
  /**
   * Id of the last message that the user has seen.
   */
  read_upto?: string | null;
  /**
   * The name to show.
   */
  title: string;
  /**
   * Rooms.
   */
  topic?: string | null;
  /**
   * Messages received since `read_upto`.
   */
  unread: number;
}
/**
 * A time in which messages of a conversation may have been missed, or were not stored.
 */
export interface Gap {
  /**
   * Id of the last message before it; null at the beginning.
   */
  after?: string | null;
  /**
   * Id of the first message after it; null when there is none yet.
   */
  before?: string | null;
  /**
   * When it began.
   */
  from: string;
  /**
   * When it ended; null while it goes on.
   */
  to?: string | null;
  why: GapWhy;
}
/**
 * Someone in a room.
 */
export interface Member {
  /**
   * A better name, when the user has one.
   */
  alias?: string | null;
  /**
   * The buddy that this is.
   */
  buddy?: string | null;
  /**
   * `founder`, `admin`, `operator`, `half_operator`, `voice`, `member`, `typing`, `away`; `self` for the user. `admin` and `member` are affiliations of
   * XMPP that outlast a visit.
   */
  flags?: string[];
  /**
   * Their nick.
   */
  name: string;
}
/**
 * A line of a conversation.
 */
export interface Message {
  /**
   * Sent by a machine on someone's behalf.
   */
  auto_reply?: boolean;
  /**
   * Delivered later than written.
   */
  delayed?: boolean;
  /**
   * The time at which the author put this text in the place of an earlier one.
   */
  edited_at?: string | null;
  /**
   * The reason for which the message was not delivered, in plain words, where that was told later than `message.sent`.
   */
  error?: string | null;
  from: Author;
  /**
   * The user's nick is in it.
   */
  highlight?: boolean;
  /**
   * Unique in its conversation; ids sort (as text) by time of arrival.
   */
  id: string;
  /**
   * The user's own, from another device.
   */
  remote?: boolean;
  /**
   * The body.
   */
  spans?: Span[];
  /**
   * For the user's own messages and for failures.
   */
  state?: MessageState | null;
  /**
   * A line of the network's or libpurple's, not of a person.
   */
  system?: boolean;
  /**
   * The concatenation of the spans' texts.
   */
  text: string;
  /**
   * When it was written, by the network's word.
   */
  time: string;
  /**
   * Such a line that says the room's topic, or who set it.
   */
  topic?: boolean;
}
/**
 * Who wrote a message.
 */
export interface Author {
  /**
   * A better name.
   */
  alias?: string | null;
  /**
   * The buddy that this is.
   */
  buddy?: string | null;
  /**
   * The network's name (a nick in rooms).
   */
  name: string;
  /**
   * The user themself.
   */
  self: boolean;
}
/**
 * A run of text in one style. A message body is a list of these; its text is their concatenation.
 */
export interface Span {
  /**
   * Bold.
   */
  bold?: boolean;
  /**
   * Fixed width.
   */
  code?: boolean;
  /**
   * `#rrggbb`.
   */
  color?: string | null;
  /**
   * A media hash; the text is what to show in its stead.
   */
  image?: string | null;
  /**
   * Italic.
   */
  italic?: boolean;
  /**
   * An address with a harmless scheme (see `body::links`).
   */
  link?: string | null;
  /**
   * Quoted.
   */
  quote?: boolean;
  /**
   * Struck through.
   */
  strike?: boolean;
  /**
   * The characters; newlines are line breaks.
   */
  text: string;
  /**
   * Underlined.
   */
  underline?: boolean;
}
/**
 * A group of the buddy list. Groups are one list over all accounts, named by the networks.
 */
export interface Group {
  /**
   * Folded up.
   */
  collapsed: boolean;
  /**
   * Its name, which is its id.
   */
  name: string;
  /**
   * Lower comes first; equal ones sort by name.
   */
  order: number;
}
/**
 * Something told to the user.
 */
export interface Notice {
  /**
   * The account it is about.
   */
  account?: string | null;
  /**
   * What it says.
   */
  body: Span[];
  /**
   * For `search`: what can be done with a row.
   */
  buttons?: Button[];
  /**
   * For `search`.
   */
  columns?: string[];
  /**
   * For `search`: there were more rows than are kept.
   */
  cut?: boolean;
  /**
   * Its id.
   */
  id: string;
  kind: NoticeKind;
  /**
   * For `userinfo`; `body` has the same as one text.
   */
  profile?: Profile | null;
  /**
   * For `search`.
   */
  rows?: string[][];
  /**
   * Plain text.
   */
  title: string;
  /**
   * For `uri` and `mail`; its scheme is a harmless one.
   */
  url?: string | null;
}
/**
 * One answer to a request.
 */
export interface Button {
  /**
   * The one that Enter takes.
   */
  default?: boolean;
  /**
   * To be given back in `request.answer`.
   */
  id: string;
  /**
   * Its text, without mnemonics.
   */
  label: string;
}
/**
 * A profile, as its network tells it. Everything in it may be made up by the person whom it is about.
 */
export interface Profile {
  /**
   * There were more entries than are kept.
   */
  cut?: boolean;
  /**
   * The entries, in the network's order.
   */
  entries: ProfileEntry[];
  /**
   * The person whom the profile is about, by the network's name.
   */
  name: string;
  /**
   * A picture among them: a media hash.
   */
  picture?: string | null;
}
/**
 * An entry of a profile.
 */
export interface ProfileEntry {
  kind: ProfileKind;
  /**
   * Label of a pair, or a heading; plain text, may be empty.
   */
  label?: string;
  /**
   * Value of a pair; may be empty.
   */
  value?: Span[];
}
/**
 * A question to the user. Answering uses it up.
 */
export interface Request {
  /**
   * The account it is about.
   */
  account?: string | null;
  /**
   * The answers; the last one is the cancelling one where there is one.
   */
  buttons: Button[];
  /**
   * For `certificate`.
   */
  details?: Certificate | null;
  /**
   * What to fill in.
   */
  fields: Field[];
  /**
   * Its id.
   */
  id: string;
  kind: RequestKind;
  /**
   * The question.
   */
  primary: string;
  /**
   * More about it.
   */
  secondary: string;
  /**
   * Window title.
   */
  title: string;
}
/**
 * An untrusted certificate, for the person who has to decide.
 */
export interface Certificate {
  /**
   * SHA-256 over the certificate, `AB:CD:…`.
   */
  fingerprint: string;
  /**
   * The name that was to be proved (the account's domain).
   */
  host: string;
  /**
   * Distinguished name of the issuer.
   */
  issuer: string;
  /**
   * The names in it.
   */
  names: string[];
  /**
   * Valid to.
   */
  not_after?: string | null;
  /**
   * Valid from.
   */
  not_before?: string | null;
  /**
   * What is wrong with it: `self_signed`, `expired`, `not_yet_valid`, `wrong_host`, `unknown_issuer`, `changed`, `unsupported`.
   */
  reason: string;
  /**
   * Distinguished name of the subject.
   */
  subject: string;
}
/**
 * A field of a request.
 */
export interface Field {
  /**
   * For `choice`, `list`, `account`.
   */
  choices?: Choice[];
  /**
   * To be given back.
   */
  id: string;
  /**
   * For `image`: a media hash.
   */
  image?: string | null;
  /**
   * Its text, without mnemonics.
   */
  label: string;
  /**
   * A password.
   */
  masked?: boolean;
  /**
   * More than one line.
   */
  multiline?: boolean;
  /**
   * Must be filled in.
   */
  required?: boolean;
  type: FieldType;
  /**
   * What it starts with.
   */
  value?: Value | null;
}
/**
 * One of several values.
 */
export interface Choice {
  /**
   * To be shown.
   */
  label: string;
  /**
   * To be given back.
   */
  value: string;
}
/**
 * A search that is kept with the user.
 */
export interface SavedSearch {
  /**
   * Only on this account.
   */
  account?: string | null;
  /**
   * Only in this conversation: an open one, or a closed one with a history.
   */
  conversation?: string | null;
  /**
   * Only by this person: the network's name or the alias, whole, in upper or lower case.
   */
  from?: string | null;
  /**
   * Unique among the user's searches; set by the daemon.
   */
  id: string;
  /**
   * Name in the list.
   */
  name: string;
  /**
   * Hits by others since `search.seen`.
   */
  new: number;
  /**
   * `word`, `begin*`, `"words in a row"`: all of them in one message. At most 1000 bytes and 20 words.
   */
  q: string;
  /**
   * Id of the newest message when the search was saved or seen last: hits with greater ids are the new ones.
   */
  seen?: string | null;
  /**
   * Only what arrived then or later: a time (`2026-11-22T20:00:00.000Z`) or a day (`2026-11-22`, UTC).
   */
  since?: string | null;
  /**
   * Only what arrived before: a time or a day.
   */
  until?: string | null;
}
/**
 * What a user shows to others.
 */
export interface Status {
  /**
   * Their own words, plain text.
   */
  message?: string | null;
  status: StatusKind;
}
/**
 * A file on its way.
 */
export interface Transfer {
  /**
   * The account of the transfer.
   */
  account: string;
  /**
   * The conversation with the peer, whether it is open or not.
   */
  conversation: string;
  /**
   * `in` or `out`.
   */
  direction: string;
  /**
   * Bytes so far.
   */
  done: number;
  /**
   * Its id.
   */
  id: string;
  /**
   * File name, without directories.
   */
  name: string;
  /**
   * With whom.
   */
  peer: string;
  /**
   * Bytes, when known.
   */
  size?: number | null;
  /**
   * `offered`, `running`, `done`, `cancelled`, `failed`.
   */
  state: string;
}
/**
 * Who is signed in.
 */
export interface User {
  /**
   * Signed in straight with an IM account: ends with the session.
   */
  guest: boolean;
  /**
   * Opaque.
   */
  id: string;
  /**
   * To be shown.
   */
  name: string;
}
/**
 * `account.add`
 */
export interface AccountAdd {
  /**
   * The name others are to see.
   */
  alias?: string | null;
  /**
   * Sign on at once; true when absent.
   */
  enabled?: boolean | null;
  /**
   * The protocol's own settings, by `key`; others are refused.
   */
  options?: {
    [k: string]: Value;
  };
  /**
   * Needed where the protocol says so, unless `enabled` is false.
   */
  password?: string | null;
  /**
   * As in `GET /protocols`.
   */
  protocol: string;
  /**
   * Keep the password with the account (users of this site; a guest's account ends with the session).
   */
  remember?: boolean | null;
  /**
   * The user name in parts; or `username`.
   */
  splits?: Splits | null;
  /**
   * The protocol's whole user name; or `splits`.
   */
  username?: string | null;
}
/**
 * A user name in the parts of the protocol's form; the daemon joins them.
 */
export interface Splits {
  /**
   * One for each split; missing ones take the split's default.
   */
  parts?: string[];
  /**
   * The first part.
   */
  user: string;
}
/**
 * `account.update`: what is given is changed
 */
export interface AccountUpdate {
  /**
   * Which account.
   */
  account: string;
  /**
   * These settings; others stay. Null takes one back to its default.
   */
  options?: {
    [k: string]: Value | null;
  };
  /**
   * The password to sign on with from now on; it changes none on the server.
   */
  password?: string | null;
  /**
   * A new user name, in parts.
   */
  splits?: Splits | null;
  /**
   * A new user name.
   */
  username?: string | null;
}
/**
 * A command about an account and nothing else
 */
export interface OfAccount {
  /**
   * Which account.
   */
  account: string;
}
/**
 * `account.alias`
 */
export interface AccountAlias {
  /**
   * Which account.
   */
  account: string;
  /**
   * The name others see; empty takes it back.
   */
  alias: string;
}
/**
 * `account.password`: changes it on the server
 */
export interface AccountPassword {
  /**
   * Which account.
   */
  account: string;
  /**
   * As it shall be.
   */
  new: string;
  /**
   * As it is.
   */
  old: string;
}
/**
 * `account.icon`: an upload, or none to take the icon away
 */
export interface AccountIcon {
  /**
   * Which account.
   */
  account: string;
  /**
   * A PNG, GIF or JPEG from `POST /uploads`; absent takes the icon away.
   */
  upload?: string | null;
}
/**
 * `account.action`
 */
export interface AccountAction {
  /**
   * Which account.
   */
  account: string;
  /**
   * An id from the menu.
   */
  action: string;
}
/**
 * `status.set`
 */
export interface StatusSet {
  /**
   * On these only; absent means all.
   */
  accounts?: string[] | null;
  /**
   * Further attributes that the protocol's status declares.
   */
  attributes?: {
    [k: string]: string;
  };
  /**
   * The user's own words, plain text.
   */
  message?: string | null;
  status: StatusKind;
}
/**
 * `client.state`: how this tab is being looked at
 */
export interface ClientState {
  /**
   * The conversation that the user looks at.
   */
  focused?: string | null;
  /**
   * The tab cannot be seen.
   */
  hidden: boolean;
  /**
   * Since when the user has not touched this tab.
   */
  idle_seconds?: number;
}
/**
 * `buddy.add`
 */
export interface BuddyAdd {
  /**
   * Which account.
   */
  account: string;
  /**
   * What to call them.
   */
  alias?: string | null;
  /**
   * Where to put them; absent means libpurple's own default.
   */
  group?: string | null;
  /**
   * Words that go with the question to them.
   */
  message?: string | null;
  /**
   * The network's name.
   */
  name: string;
}
/**
 * A command about a buddy and nothing else
 */
export interface OfBuddy {
  /**
   * Which buddy.
   */
  buddy: string;
}
/**
 * `buddy.alias`: empty takes it back
 */
export interface BuddyAlias {
  /**
   * What to call them; empty takes it back.
   */
  alias: string;
  /**
   * Which buddy.
   */
  buddy: string;
}
/**
 * `buddy.move`
 */
export interface BuddyMove {
  /**
   * Which buddy.
   */
  buddy: string;
  /**
   * Where to; made when it is new.
   */
  group: string;
}
/**
 * A command about a buddy, or about any name on an account
 */
export interface OfPerson {
  /**
   * With `name`.
   */
  account?: string | null;
  /**
   * A buddy; or `account` and `name`.
   */
  buddy?: string | null;
  /**
   * Anyone, by the network's name.
   */
  name?: string | null;
}
/**
 * `buddy.action`
 */
export interface BuddyAction {
  /**
   * An id from the menu.
   */
  action: string;
  /**
   * Which buddy.
   */
  buddy: string;
}
/**
 * A command that this daemon knows by name but does not carry out
 */
export interface Unsupported {}
/**
 * `group.rename`
 */
export interface GroupRename {
  /**
   * The group's name.
   */
  group: string;
  /**
   * What to call it; one of that name takes its buddies in.
   */
  name: string;
}
/**
 * `group.remove`: takes all the user's buddies in it off the list
 */
export interface GroupRemove {
  /**
   * The group's name.
   */
  group: string;
}
/**
 * `group.order`: lower comes first
 */
export interface GroupOrder {
  /**
   * The group's name.
   */
  group: string;
  /**
   * Its place.
   */
  order: number;
}
/**
 * `group.collapse`
 */
export interface GroupCollapse {
  /**
   * Fold it up.
   */
  collapsed: boolean;
  /**
   * The group's name.
   */
  group: string;
}
/**
 * `privacy.set`
 */
export interface PrivacySet {
  /**
   * Which account.
   */
  account: string;
  /**
   * The names that the mode is about.
   */
  list?: string[];
  /**
   * `allow_all`, `deny_all`, `allow_users`, `deny_users` or `allow_buddies`.
   */
  mode: string;
}
/**
 * `bookmark.add`: a room that the user is in, or one by its form; a bookmark that the room has already is changed
 */
export interface BookmarkAdd {
  /**
   * The account that joins the room; with `fields`.
   */
  account?: string | null;
  /**
   * Whether the room is joined at each sign-on; false when absent.
   */
  autojoin?: boolean | null;
  /**
   * A room that the user is in; or `account` and `fields`.
   */
  conversation?: string | null;
  /**
   * The form that joins the room, as in `room.join`.
   */
  fields?: {
    [k: string]: string;
  };
  /**
   * Name in the list; empty or absent: the room's title, or the form's first required field.
   */
  name?: string | null;
}
/**
 * `bookmark.update`: what is given is changed
 */
export interface BookmarkUpdate {
  /**
   * Whether the room is joined at each sign-on; absent: as before.
   */
  autojoin?: boolean | null;
  /**
   * Id of the bookmark.
   */
  bookmark: string;
  /**
   * Name in the list; empty or absent: as before.
   */
  name?: string | null;
}
/**
 * `bookmark.remove`
 */
export interface OfBookmark {
  /**
   * Id of the bookmark.
   */
  bookmark: string;
}
/**
 * `conversation.open`
 */
export interface ConversationOpen {
  /**
   * Which account.
   */
  account: string;
  /**
   * With whom: the network's name.
   */
  name: string;
}
/**
 * A command about a conversation and nothing else
 */
export interface OfConversation {
  /**
   * Which conversation.
   */
  conversation: string;
}
/**
 * `conversation.read`: without `upto` all of it
 */
export interface ConversationRead {
  /**
   * Which conversation.
   */
  conversation: string;
  /**
   * Id of the last message that the user has seen.
   */
  upto?: string | null;
}
/**
 * `message.send`: `text` or `spans`
 */
export interface MessageSend {
  /**
   * Which conversation.
   */
  conversation: string;
  /**
   * Styled text; a slash at its beginning is as in `text`.
   */
  spans?: Span[] | null;
  /**
   * Plain text, newlines kept. `/…` is a slash command, never said; `//` stands for a slash.
   */
  text?: string | null;
}
/**
 * A command about a message of the user's own: `message.cancel` takes back a `pending` one or gives a `failed` or `unknown` one up;
 * `message.resend` sends a `failed` or `unknown` one again
 */
export interface OfMessage {
  /**
   * Which conversation.
   */
  conversation: string;
  /**
   * Id of the message.
   */
  message: string;
}
/**
 * `history.set`: what is absent stays as it is; null takes a choice back
 */
export interface HistorySet {
  /**
   * Which conversation; absent: what holds for all that have no choice of their own.
   */
  conversation?: string | null;
  /**
   * Delete messages after so many days; 0 for never.
   */
  days?: number | null;
  /**
   * Store its messages.
   */
  keep?: boolean | null;
}
/**
 * `history.delete`: all messages of a conversation
 */
export interface HistoryDelete {
  /**
   * Which conversation.
   */
  conversation: string;
  /**
   * The conversation itself, too.
   */
  whole?: boolean;
}
/**
 * `typing.set`
 */
export interface TypingSet {
  /**
   * Which conversation.
   */
  conversation: string;
  state: TypingState;
}
/**
 * `room.join`: by a form, or a bookmark
 */
export interface RoomJoin {
  /**
   * Which account.
   */
  account?: string | null;
  /**
   * Id of a bookmark, in the place of `account` and `fields`.
   */
  bookmark?: string | null;
  /**
   * The protocol's `room_fields`, by `key`; what is left out takes the protocol's default.
   */
  fields?: {
    [k: string]: string;
  };
}
/**
 * `room.invite`
 */
export interface RoomInvite {
  /**
   * Which conversation.
   */
  conversation: string;
  /**
   * Words that go with it.
   */
  message?: string | null;
  /**
   * Whom: the network's name.
   */
  name: string;
}
/**
 * `room.member`: by what name the network knows somebody in a room
 */
export interface RoomMember {
  /**
   * The conversation of the room.
   */
  conversation: string;
  /**
   * Nick of the person in the room.
   */
  member: string;
}
/**
 * `room.topic`
 */
export interface RoomTopic {
  /**
   * Which conversation.
   */
  conversation: string;
  /**
   * Plain text.
   */
  topic: string;
}
/**
 * `room.nick`
 */
export interface RoomNick {
  /**
   * Which conversation.
   */
  conversation: string;
  /**
   * The nick to have there.
   */
  nick: string;
}
/**
 * `room.menu`: what the user may do with a room, or with somebody in it
 */
export interface RoomMenu {
  /**
   * The conversation of the room.
   */
  conversation: string;
  /**
   * Nick of a person in the room; absent: the room itself.
   */
  name?: string | null;
}
/**
 * `room.action`: ends when the network has answered
 */
export interface RoomAction {
  /**
   * An id from the answer to `room.menu`.
   */
  action: string;
  /**
   * The conversation of the room.
   */
  conversation: string;
  /**
   * As in `room.menu`.
   */
  name?: string | null;
  /**
   * Words that others read, where the item has `reason`; at most 300 bytes.
   */
  reason?: string | null;
}
/**
 * `room.list_stop`
 */
export interface RoomListStop {
  /**
   * Which list.
   */
  list: string;
}
/**
 * `transfer.send`: uses the upload up, however it ends
 */
export interface TransferSend {
  /**
   * The conversation, with one person.
   */
  conversation: string;
  /**
   * A file of `POST /uploads`.
   */
  upload: string;
}
/**
 * `transfer.accept`, after which `GET /transfers/{id}` fetches the file, and `transfer.cancel`
 */
export interface OfTransfer {
  /**
   * Which transfer.
   */
  transfer: string;
}
/**
 * `request.answer`
 */
export interface RequestAnswer {
  /**
   * One of its buttons.
   */
  button: string;
  /**
   * Which request.
   */
  request: string;
  /**
   * Of its fields, by id; what is left out stays as it was asked with.
   */
  values?: {
    [k: string]: Value;
  };
}
/**
 * `authorization.answer`
 */
export interface AuthorizationAnswer {
  /**
   * Put them on the user's list, too.
   */
  add?: boolean;
  /**
   * Let them see the user.
   */
  allow: boolean;
  /**
   * Which authorization.
   */
  authorization: string;
}
/**
 * `notice.close`
 */
export interface NoticeClose {
  /**
   * Which notice.
   */
  notice: string;
}
/**
 * `notice.action`: `row` counts from 0
 */
export interface NoticeAction {
  /**
   * One of its buttons.
   */
  button: string;
  /**
   * Which notice.
   */
  notice: string;
  /**
   * Which row, from 0.
   */
  row: number;
}
/**
 * A query: `search.open`, and the parameters of `GET /search`
 */
export interface SearchOpen {
  /**
   * Only on this account.
   */
  account?: string | null;
  /**
   * Only in this conversation: an open one, or a closed one with a history.
   */
  conversation?: string | null;
  /**
   * Only by this person: the network's name or the alias, whole, in upper or lower case.
   */
  from?: string | null;
  /**
   * `word`, `begin*`, `"words in a row"`: all of them in one message. At most 1000 bytes and 20 words.
   */
  q: string;
  /**
   * Only what arrived then or later: a time (`2026-11-22T20:00:00.000Z`) or a day (`2026-11-22`, UTC).
   */
  since?: string | null;
  /**
   * Only what arrived before: a time or a day.
   */
  until?: string | null;
}
/**
 * `search.close`, `search.seen`, `search.remove`
 */
export interface OfSearch {
  /**
   * Id of the search.
   */
  search: string;
}
/**
 * `search.save`: keeps a search with the user; one that asks the same is changed
 */
export interface SearchSave {
  /**
   * Only on this account.
   */
  account?: string | null;
  /**
   * Only in this conversation: an open one, or a closed one with a history.
   */
  conversation?: string | null;
  /**
   * Only by this person: the network's name or the alias, whole, in upper or lower case.
   */
  from?: string | null;
  /**
   * Name in the list; empty or absent: `q`.
   */
  name?: string | null;
  /**
   * `word`, `begin*`, `"words in a row"`: all of them in one message. At most 1000 bytes and 20 words.
   */
  q: string;
  /**
   * Only what arrived then or later: a time (`2026-11-22T20:00:00.000Z`) or a day (`2026-11-22`, UTC).
   */
  since?: string | null;
  /**
   * Only what arrived before: a time or a day.
   */
  until?: string | null;
}
/**
 * `settings.set`: `null` takes a key away
 */
export interface SettingsSet {
  /**
   * Any JSON by key. `draft.ID` is the page's own: text not yet sent in that conversation; it keeps strangers from pushing the conversation away.
   */
  values: {
    [k: string]: unknown;
  };
}
/**
 * Answer of `POST /commands`.
 */
export interface Commanded {
  /**
   * Ids taken.
   */
  accepted: string[];
  /**
   * With 503: nothing was taken.
   */
  error?: ErrorBody | null;
  /**
   * Those not taken.
   */
  rejected: Refused[];
}
/**
 * A command that was not taken.
 */
export interface Refused {
  error: ErrorBody;
  /**
   * The client's id of it.
   */
  id: string;
}
/**
 * Body of `POST /commands`.
 */
export interface Commands {
  /**
   * The last event processed, as with a poll: how a client that follows a stream acknowledges. Needs `epoch`.
   */
  after?: number | null;
  /**
   * The client.
   */
  client: string;
  /**
   * At most 100, each `{"id", "type", …}`; may be none beside an acknowledgement.
   */
  commands: unknown[];
  /**
   * The log that `after` belongs to; that of another log says nothing.
   */
  epoch?: string | null;
}
/**
 * Answer of `GET /discover`: what is known at the moment.
 */
export interface Discovered {
  /**
   * Accounts whose networks gave no list, or a part of it.
   */
  failed?: DiscoverFailure[];
  /**
   * Accounts of which rooms may be missing: their networks have more than were read, or stored messages could not all be looked at.
   */
  partial?: string[];
  /**
   * Accounts whose networks, or whose stored messages, are still being asked: `discover.changed` tells when there is more.
   */
  pending: string[];
  /**
   * The best first, at most 100.
   */
  rooms: DiscoveredRoom[];
}
/**
 * A network that gave no list, or a part of it.
 */
export interface DiscoverFailure {
  /**
   * The account whose network failed.
   */
  account: string;
  error: ErrorBody;
}
/**
 * A room that fits.
 */
export interface DiscoveredRoom {
  /**
   * The account that is or would be in it.
   */
  account: string;
  /**
   * The user's bookmark of it.
   */
  bookmark?: string | null;
  /**
   * The user's own conversation there.
   */
  conversation?: string | null;
  /**
   * The `fields` of `room.join`.
   */
  fields: {
    [k: string]: string;
  };
  match: RoomMatch;
  /**
   * The room's name.
   */
  name: string;
  /**
   * The number of people in the room, where that is known.
   */
  people?: number | null;
  /**
   * The room's topic or description, where that is known.
   */
  topic?: string | null;
}
/**
 * The reasons for which a room fits. All words stand in its name and topic, or in one message there.
 */
export interface RoomMatch {
  /**
   * Messages of the last 24 hours with all words.
   */
  hits: number;
  /**
   * The user is in it.
   */
  joined: boolean;
  /**
   * The time of the last such message that is known.
   */
  last?: string | null;
  /**
   * A word is in its name.
   */
  name: boolean;
  /**
   * A word is in its topic.
   */
  topic: boolean;
}
/**
 * Which command of which browser; handed back with all that it causes.
 */
export interface Origin {
  /**
   * The browser's (tab's) id.
   */
  client: string;
  /**
   * The command's id there.
   */
  command: string;
}
/**
 * A row of a room list.
 */
export interface RoomRow {
  /**
   * A heading that holds rooms, not a room.
   */
  category?: boolean;
  /**
   * What the protocol tells of it, by column.
   */
  fields: {
    [k: string]: string;
  };
  /**
   * Its name.
   */
  name: string;
  /**
   * The heading it is under.
   */
  parent?: string | null;
  /**
   * The number of people in the room, where the list or the room itself tells it.
   */
  people?: number | null;
  /**
   * The room's topic, where the list or the room itself tells it.
   */
  topic?: string | null;
}
/**
 * Answer of `GET /healthz` and `GET /readyz`.
 */
export interface Health {
  /**
   * Always true; a failure is told by the status and an error.
   */
  ok: boolean;
}
/**
 * `event: heartbeat` of a stream: it lives.
 */
export interface Heartbeat {
  /**
   * The last event there is. It may still be to come on the stream: not to be acknowledged for that.
   */
  seq: number;
}
/**
 * Answer of `GET /history`.
 */
export interface History {
  /**
   * Gaps among and beside these messages, oldest first.
   */
  gaps?: Gap[];
  /**
   * Newest last.
   */
  messages: Message[];
  /**
   * There are older ones; with `after`, newer ones.
   */
  more: boolean;
  /**
   * With `around`: there are newer ones.
   */
  more_after?: boolean | null;
}
/**
 * Answer of `POST /login`.
 */
export interface LoggedIn {
  /**
   * For `network`: the account that is signing on.
   */
  account?: string | null;
  user: User;
}
/**
 * Body of `POST /login`: `name` and `password`, or `network`.
 */
export interface LoginRequest {
  /**
   * A user of this site.
   */
  name?: string | null;
  /**
   * Straight in with an IM account, as a guest.
   */
  network?: Network | null;
  /**
   * With `name`.
   */
  password?: string | null;
}
/**
 * The `network` of a log-in: straight in with an IM account.
 */
export interface Network {
  /**
   * The plugin's own settings.
   */
  options?: {
    [k: string]: Value;
  };
  /**
   * The password.
   */
  password?: string | null;
  /**
   * Protocol id, as `prpl-jabber`.
   */
  protocol: string;
  /**
   * The account does not exist yet: it is made on the server first, as by `account.register`, and not signed on.
   */
  register?: boolean;
  /**
   * The name in parts.
   */
  splits?: Splits | null;
  /**
   * What to show at first.
   */
  status?: StatusKind | null;
  /**
   * The full libpurple name; or `splits`.
   */
  username?: string | null;
}
/**
 * Answer of `GET /me`.
 */
export interface Me {
  /**
   * IM accounts.
   */
  accounts: number;
  /**
   * Where the user is signed in, the last used first.
   */
  browsers: SignedIn[];
  /**
   * When the user was made.
   */
  created: string;
  limits: MeLimits;
  /**
   * There is a recovery code.
   */
  recovery: boolean;
  /**
   * Bytes that are stored.
   */
  usage: number;
  user: User;
}
/**
 * A browser that is signed in.
 */
export interface SignedIn {
  /**
   * Since when it is signed in.
   */
  created: string;
  /**
   * The one that asks.
   */
  current: boolean;
  /**
   * Browser and system by its User-Agent: `Firefox on Linux`.
   */
  device: string;
  /**
   * Opaque.
   */
  id: string;
  /**
   * When it was last used.
   */
  used: string;
}
/**
 * Limits of a user; 0 for none.
 */
export interface MeLimits {
  /**
   * IM accounts.
   */
  accounts: number;
  /**
   * Bytes.
   */
  storage_bytes: number;
}
/**
 * Body of `POST /me/recovery` and `POST /me/delete`.
 */
export interface Confirmed {
  /**
   * The user's own, to be sure that it is the user.
   */
  password: string;
}
/**
 * Body of `POST /me/password`.
 */
export interface PasswordChange {
  /**
   * As it shall be: 8 to 1024 bytes.
   */
  new: string;
  /**
   * As it is.
   */
  old: string;
}
/**
 * Body of `POST /me/sign-out`: one of these.
 */
export interface SignOut {
  /**
   * All.
   */
  all?: boolean;
  /**
   * This one.
   */
  browser?: string | null;
  /**
   * All but the one that asks.
   */
  others?: boolean;
}
/**
 * Answer of `GET /poll`.
 */
export interface PollAnswer {
  /**
   * Why there are none.
   */
  end?: End | null;
  /**
   * Which log.
   */
  epoch: string;
  /**
   * In order.
   */
  events: Event[];
  /**
   * There is more at once.
   */
  more: boolean;
  /**
   * Attach again.
   */
  reset?: Reset | null;
  /**
   * For `restart`.
   */
  retry_ms?: number | null;
}
/**
 * A network in the answer of `GET /protocols`.
 */
export interface Protocol {
  /**
   * Switched off for now: nobody signs on.
   */
  disabled?: boolean;
  /**
   * What it can do (see [`crate::model::Account::features`]).
   */
  features: string[];
  /**
   * The plugin's icon name, as `jabber`.
   */
  icon: string;
  /**
   * Limits of the user's own icon; absent where the protocol has no icons.
   */
  icon_spec?: IconSpec | null;
  /**
   * As `prpl-jabber`.
   */
  id: string;
  /**
   * As `XMPP`.
   */
  name: string;
  /**
   * Its options.
   */
  options: ProtocolOption[];
  password: PasswordNeed;
  /**
   * Its rooms.
   */
  room_fields: RoomField[];
  /**
   * Its statuses.
   */
  statuses: StatusType[];
  username: UsernameForm;
}
/**
 * Limits of a protocol's icons (`PurpleBuddyIconSpec`). 0 is no bound.
 */
export interface IconSpec {
  /**
   * Of `png`, `jpeg` and `gif`, those that the protocol takes; the best first.
   */
  formats: string[];
  /**
   * Most bytes.
   */
  max_bytes: number;
  /**
   * Most height, in pixels.
   */
  max_height: number;
  /**
   * Most width, in pixels.
   */
  max_width: number;
  /**
   * Least height, in pixels.
   */
  min_height: number;
  /**
   * Least width, in pixels. A smaller icon is taken all the same.
   */
  min_width: number;
}
/**
 * A protocol option that a user may set.
 */
export interface ProtocolOption {
  /**
   * For `choice`.
   */
  choices: Choice[];
  default: Value;
  /**
   * The plugin's own setting name.
   */
  key: string;
  /**
   * Its label.
   */
  label: string;
  /**
   * A password.
   */
  masked: boolean;
  type: OptionType;
}
/**
 * A field of the form to join a room.
 */
export interface RoomField {
  /**
   * What it starts with.
   */
  default: string;
  /**
   * To be given back in `room.join`.
   */
  key: string;
  /**
   * Its label.
   */
  label: string;
  /**
   * A password.
   */
  masked: boolean;
  /**
   * Must be filled in.
   */
  required: boolean;
  /**
   * `string` or `int`.
   */
  type: string;
}
/**
 * A status that a protocol has.
 */
export interface StatusType {
  /**
   * Ids of its attributes, as `message`.
   */
  attributes: string[];
  /**
   * The plugin's id of it.
   */
  id: string;
  kind: StatusKind;
  /**
   * Its name.
   */
  name: string;
}
/**
 * How a protocol's user names look.
 */
export interface UsernameForm {
  /**
   * What the first part is called.
   */
  label: string;
  /**
   * The other parts.
   */
  splits: Split[];
}
/**
 * A part of a user name that is typed apart (`user` `@` `domain`).
 */
export interface Split {
  /**
   * What it starts with.
   */
  default: string;
  /**
   * Its label.
   */
  label: string;
  /**
   * The character between the parts.
   */
  separator: string;
}
/**
 * Body of `POST /recover`.
 */
export interface RecoverRequest {
  /**
   * A user of this site.
   */
  name: string;
  /**
   * The password to have from now on.
   */
  password: string;
  /**
   * The recovery code; case, spaces and hyphens do not matter.
   */
  recovery: string;
}
/**
 * Answer of `POST /me/password` and `POST /me/recovery`.
 */
export interface RecoveryCode {
  /**
   * The new recovery code, told this once.
   */
  recovery: string;
}
/**
 * Body of `POST /register`.
 */
export interface RegisterRequest {
  /**
   * Where invitations are asked for.
   */
  invite?: string | null;
  /**
   * The name to have.
   */
  name: string;
  /**
   * The password to have.
   */
  password: string;
}
/**
 * Answer of `POST /register` and `POST /recover`.
 */
export interface Registered {
  /**
   * The recovery code, told this once.
   */
  recovery: string;
  user: User;
}
/**
 * Answer of `GET /search`.
 */
export interface SearchAnswer {
  /**
   * Newest first.
   */
  hits: Hit[];
  /**
   * Whether there may be older hits. True with few hits, or none, where many messages had to be looked at.
   */
  more: boolean;
  /**
   * With `more`: the `before` of the next page, a message id.
   */
  next?: string | null;
  /**
   * Messages from before the site had this index are still being put into it: older hits may be missing.
   */
  partial?: boolean;
}
/**
 * A message that a search found.
 */
export interface Hit {
  /**
   * The account of the conversation.
   */
  account: string;
  /**
   * The conversation of the message, which need not be open.
   */
  conversation: string;
  kind: ConversationKind;
  message: Message;
  /**
   * The network's name of the conversation.
   */
  name: string;
  /**
   * The places of the words in `message.text`: `[from, to]`, in order, counted in UTF-16 units as JavaScript's strings are.
   */
  ranges: [unknown, unknown][];
  /**
   * The name of the conversation to show.
   */
  title: string;
}
/**
 * Answer of `GET /site`.
 */
export interface Site {
  /**
   * One may sign in straight with an IM account.
   */
  guests: boolean;
  /**
   * What the site calls itself.
   */
  name: string;
  /**
   * A line for the front page.
   */
  notice?: string | null;
  registration: Registration;
  sign_in?: SignIn;
  /**
   * There are users of this site, and what they have is stored; else there are only guests.
   */
  store?: boolean;
  /**
   * Bellflower's version.
   */
  version: string;
}
/**
 * The last thing on a stream: `event: end`, or `event: reset`.
 */
export interface StreamEnd {
  /**
   * Why it ends; `hold` is the end of its time.
   */
  end?: End | null;
  /**
   * Attach again.
   */
  reset?: Reset | null;
  /**
   * For `restart`.
   */
  retry_ms?: number | null;
}
/**
 * Answer of `POST /uploads`.
 */
export interface Uploaded {
  /**
   * Bytes.
   */
  size: number;
  /**
   * Content type, found out from the bytes.
   */
  type: string;
  /**
   * To be given in a command.
   */
  upload: string;
}

export type WireEvent = Pick<Event, "seq" | "time" | "origin"> & { type: Event["type"]; [field: string]: unknown };
export type WireError = ErrorBody;
export type CommandBody = { id: string; type: Command["type"]; [field: string]: unknown };
export type CommandsAnswer = Commanded;
export type HistoryAnswer = History;
export type OwnStatus = Status;
export type RequestField = Field;
export type Settings = Snapshot["settings"];

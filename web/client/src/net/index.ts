// The only door to the network for the rest of the page; it must not hold application state.
import type {
  Attached, CommandsAnswer, Discovered, HistoryAnswer, LoggedIn, Me, PollAnswer, Protocol, RecoveryCode, Registered, SearchAnswer, Site, Uploaded,
} from "../wire/types";
import { watchAway } from "./away";
import { waitAfter } from "./backoff";
import { call, canStream, open, urlOf } from "./http";
import { clientId, commandId, newClientId } from "./identity";
import { Link, type LinkListener } from "./link";
import { locked, neighbours } from "./neighbours";
import { VERSION } from "./tabs";

export { onAway } from "./away";
export { CallError } from "./http";
export { CommandError } from "./outbox";
export type { LinkState } from "./link";
export { commandId };

export interface NetworkLogin {
  protocol: string;
  username?: string;
  splits?: { user: string; parts: string[] };
  password?: string;
  options?: Record<string, unknown>;
  status?: string;
  /** The account is to be made on the server first. */
  register?: boolean;
}

export const site = () => call<Site>(urlOf("site"));
export const protocols = () => call<Protocol[]>(urlOf("protocols"));
export const login = (name: string, password: string) => call<LoggedIn>(urlOf("login"), { body: { name, password } });
/** The proxy before the site says who it is. */
export const loginNamed = () => call<LoggedIn>(urlOf("login"), { body: {} });
export const loginNetwork = (network: NetworkLogin) => call<LoggedIn>(urlOf("login"), { body: { network } });
export const register = (name: string, password: string, invite?: string) =>
  call<Registered>(urlOf("register"), { body: invite ? { name, password, invite } : { name, password } });
export const recover = (name: string, recovery: string, password: string) => call<Registered>(urlOf("recover"), { body: { name, recovery, password } });
export const me = () => call<Me>(urlOf("me"));
export const changePassword = (old: string, fresh: string) => call<RecoveryCode>(urlOf("me/password"), { body: { old, new: fresh } });
export const newRecovery = (password: string) => call<RecoveryCode>(urlOf("me/recovery"), { body: { password } });
export const signOutBrowsers = (which: { browser: string } | { others: true } | { all: true }) => call<void>(urlOf("me/sign-out"), { body: which });
export const deleteMe = (password: string) => call<void>(urlOf("me/delete"), { body: { password } });
/** Where all that is stored of the user can be had as a file. */
export const exportUrl = (format: "json" | "html"): string => urlOf("me/export", { format });
export const logout = () => call<void>(urlOf("logout"), { body: {} });
export const history = (conversation: string, at: { before?: string | undefined; after?: string | undefined; around?: string | undefined }, limit = 50) =>
  call<HistoryAnswer>(urlOf("history", { conversation, ...at, limit }));
/** Messages with these words, newest first. */
export const search = (query: Record<string, string>, limit: number, signal: AbortSignal) => call<SearchAnswer>(urlOf("search", { ...query, limit }), { signal });
/** Rooms where something is talked about, as far as they are known. */
export const discover = (q: string, signal: AbortSignal) => call<Discovered>(urlOf("discover", { q }), { signal });
export const upload = (file: File) =>
  call<Uploaded>(urlOf("uploads"), { body: file, method: "POST", headers: { "Content-Type": file.type || "application/octet-stream" } });

/** Where the bytes behind a media reference are: a hash, or an address the daemon already made relative. */
export function media(reference: string): string {
  return urlOf("media/" + encodeURIComponent(reference));
}

/** The names of this browser's tabs that are open. Null: nobody can say. */
export const openTabs = (): Promise<ReadonlySet<string> | null> => (neighbours ? locked(`${VERSION} ${neighbours.place} tab `) : Promise.resolve(null));

export function makeLink(listener: LinkListener): Link {
  const link = new Link(
    {
      attach: (client, signal) => call<Attached>(urlOf("attach"), { body: { client }, signal }),
      poll: (query, signal) => call<PollAnswer>(urlOf("poll", { ...query }), { signal }),
      neighbours,
      streams: canStream,
      stream: (query, signal) => open(urlOf("stream", { ...query }), signal),
      probe: (signal) => open(urlOf("probe"), signal),
      commands: (client, commands, cursor) => call<CommandsAnswer>(urlOf("commands"), { body: { client, commands, ...cursor } }),
      detach: (client) => {
        navigator.sendBeacon(urlOf("detach"), new Blob([JSON.stringify({ client })], { type: "application/json" }));
      },
      clientId,
      newClientId,
      now: () => Date.now(),
      clock: () => performance.now(),
      later: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      wait: (failures) => waitAfter(failures),
    },
    listener,
  );
  addEventListener("online", () => link.nudge());
  addEventListener("offline", () => link.lost());
  watchAway(() => link.leave());
  addEventListener("pageshow", (event) => {
    if (event.persisted) link.comeBack();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") link.nudge();
  });
  return link;
}

// The only door to the network for the rest of the page; it must not hold application state.
import type {
  Attached, CommandsAnswer, HistoryAnswer, LoggedIn, PollAnswer, Protocol, Site, Uploaded,
} from "../wire/types";
import { waitAfter } from "./backoff";
import { call, canStream, open, urlOf } from "./http";
import { clientId, commandId, newClientId } from "./identity";
import { Link, type LinkListener } from "./link";
import { neighbours } from "./neighbours";

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
export const loginNetwork = (network: NetworkLogin) => call<LoggedIn>(urlOf("login"), { body: { network } });
export const register = (name: string, password: string, invite?: string) =>
  call<LoggedIn>(urlOf("register"), { body: invite ? { name, password, invite } : { name, password } });
export const logout = () => call<void>(urlOf("logout"), { body: {} });
export const history = (conversation: string, before?: string, limit = 50) =>
  call<HistoryAnswer>(urlOf("history", { conversation, before, limit }));
export const upload = (file: File) =>
  call<Uploaded>(urlOf("uploads"), { body: file, method: "POST", headers: { "Content-Type": file.type || "application/octet-stream", "X-Filename": encodeURIComponent(file.name) } });

/** Where the bytes behind a media reference are: a hash, or an address the daemon already made relative. */
export function media(reference: string): string {
  return urlOf("media/" + encodeURIComponent(reference));
}

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
  addEventListener("pagehide", () => link.leave());
  addEventListener("pageshow", (event) => {
    if (event.persisted) link.comeBack();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") link.nudge();
  });
  return link;
}

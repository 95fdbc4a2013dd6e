// Coming in and going out: first look, log-in, log-out; it must not draw.
import { batch, computed, signal } from "@preact/signals";
import * as net from "../net";
import type { Account } from "../wire/types";
import { awaitMade } from "./making";
import { forgetDrafts } from "./drafts";
import { accounts, link, model, onAttached, phase, protocols, site, update, user } from "./store";
import { forgetWaiting } from "./waiting";

/** Why the site cannot be reached (front page, before anything is known). */
export const unreachable = signal<unknown>(null);
const goneOn = signal(false);
const wasOnline = signal(false);

/** A guest whose only account has not come online yet: what to show instead of the desk. */
export const arriving = computed<Account | null>(() => {
  if (!user.value?.guest || goneOn.value || wasOnline.value || accounts.value.size !== 1) return null;
  const [account] = accounts.value.values();
  return account && account.state !== "online" ? account : null;
});

accounts.subscribe((all) => {
  for (const one of all.values()) if (one.state === "online") wasOnline.value = true;
});

/** Errors after which nobody has anything to correct. */
const SERVERS_OWN: ReadonlySet<string> = new Set(["restarting", "set_aside"]);

onAttached((first) => {
  if (user.value?.guest === false) invitation.value = null;
  // Someone coming back to a running session wants the desk, whatever the account does.
  if (first && !cameByForm) goneOn.value = [...accounts.value.values()].every((one) => (one.state !== "connecting" && one.state !== "error") || SERVERS_OWN.has(one.error?.code ?? ""));
});

let cameByForm = false;

async function look(tries = 0): Promise<void> {
  try {
    const [theSite, list] = await Promise.all([net.site(), net.protocols()]);
    batch(() => {
      site.value = theSite;
      protocols.value = list;
      unreachable.value = null;
    });
  } catch (cause) {
    unreachable.value = cause;
    setTimeout(() => void look(tries + 1), Math.min(15_000, 1000 * 2 ** tries));
  }
}

export function start(): void {
  void look();
  link.start();
}

/** Signed in: ends with the first attach. Throws when the browser did not keep what it was given. */
function entered(guest: boolean): Promise<void> {
  cameByForm = guest;
  batch(() => {
    goneOn.value = !guest;
    wasOnline.value = false;
  });
  return new Promise((done, failed) => {
    const before = phase.value;
    const stop = phase.subscribe((now) => {
      if (now === before) return;
      stop();
      if (now.kind === "in") done();
      else failed(new net.CallError(401, { code: "no_cookie", message: "" }));
    });
    link.start();
  });
}

export async function signInNetwork(network: net.NetworkLogin): Promise<void> {
  const { account } = await net.loginNetwork(network);
  if (network.register && account) awaitMade(account, network.splits?.user ?? network.username ?? "", network.password ?? "");
  await entered(true);
  rememberWay("network");
}

export type Way = "site" | "network";

/** How this browser signed in last: the front page begins with that. */
export function lastWay(): Way | null {
  try {
    const kept = localStorage.getItem("bellflower.way");
    return kept === "site" || kept === "network" ? kept : null;
  } catch {
    return null;
  }
}

function rememberWay(way: Way): void {
  try {
    localStorage.setItem("bellflower.way", way);
  } catch {
    // Storage is switched off.
  }
}

function invited(): { code: string; first: boolean } | null {
  const [, kind, code] = /^#(invite|first)=(.+)$/.exec(location.hash) ?? [];
  if (code === undefined) return null;
  // It opens the door once: it is not to stand in the history of the browser.
  history.replaceState(history.state, "", location.pathname + location.search);
  try {
    return { code: decodeURIComponent(code), first: kind === "first" };
  } catch {
    return { code, first: kind === "first" };
  }
}

/** An invitation that the address of the page brought along; `first`: to be the first user of the site. */
export const invitation = signal(invited());
addEventListener("hashchange", () => (invitation.value = invited() ?? invitation.value));

/** A new recovery code that was not yet shown: it is told this once. */
export const recovery = signal<{ name: string; code: string } | null>(null);

/** Whether somebody may make a user of this site: anybody, or whoever has an invitation. */
export const mayRegister = computed(() => site.value?.store === true && site.value.sign_in !== "header" && (site.value.registration !== "closed" || invitation.value !== null));

function told(made: { user: { name: string }; recovery: string }): void {
  recovery.value = { name: made.user.name, code: made.recovery };
}

async function enteredSite(): Promise<void> {
  invitation.value = null;
  await entered(false);
  rememberWay("site");
}

export async function signInSite(name: string, password: string): Promise<void> {
  await net.login(name, password);
  await enteredSite();
}

/** Signs in whom the proxy before the site names. */
export async function signInNamed(): Promise<void> {
  await net.loginNamed();
  await enteredSite();
}

export async function registerSite(name: string, password: string, invite: string): Promise<void> {
  told(await net.register(name, password, invite));
  await enteredSite();
}

export async function recoverSite(name: string, code: string, password: string): Promise<void> {
  told(await net.recover(name, code, password));
  await enteredSite();
}

/** A guest becomes a user of this site: the cookie is another, all else goes on. */
export async function becomeUser(name: string, password: string, invite: string): Promise<void> {
  const made = await net.register(name, password, invite);
  batch(() => {
    invitation.value = null;
    told(made);
    update((old) => ({ ...old, user: made.user }));
  });
  rememberWay("site");
}

export function goOn(): void {
  goneOn.value = true;
}

export async function signOut(): Promise<void> {
  try {
    await net.logout();
    link.stop("signed_out");
  } catch {
    // Without an answer the session ends by itself; this page forgets it now.
    link.stop();
  }
  leave("signed_out");
}

/** The user and all that is kept of them is deleted. */
export async function deleteUser(password: string): Promise<void> {
  await net.deleteMe(password);
  link.stop("signed_out");
  leave("deleted");
}

function leave(reason: string): void {
  forgetDrafts();
  recovery.value = null;
  if (user.value) forgetWaiting(user.value.id);
  batch(() => {
    model.value = null;
    phase.value = { kind: "front", reason: reason === "deleted" ? reason : null };
  });
  void look();
}

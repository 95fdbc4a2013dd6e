// Coming in and going out: first look, log-in, log-out; it must not draw.
import { batch, computed, signal } from "@preact/signals";
import * as net from "../net";
import type { Account } from "../wire/types";
import { awaitMade } from "./making";
import { accounts, link, model, onAttached, phase, protocols, site, user } from "./store";

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
}

export async function signInSite(name: string, password: string): Promise<void> {
  await net.login(name, password);
  await entered(false);
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
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith("bellflower.draft.")) sessionStorage.removeItem(key);
  } catch {
    // Storage is switched off.
  }
  batch(() => {
    model.value = null;
    phase.value = { kind: "front", reason: null };
  });
  void look();
}

// An account's state in words; it must not act.
import { useEffect, useState } from "preact/hooks";
import { serverNow } from "../app/clock";
import { accounts } from "../app/store";
import type { Account } from "../wire/types";
import { accountErrorText, span, w } from "../words";

export function progressText(account: Account): string {
  return account.progress?.text ?? "";
}

export function Countdown({ to }: { to: string | null | undefined }) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!to) return;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [to]);
  if (!to) return null;
  return <span class="countdown">{w.accounts.nextTry(span(Date.parse(to) - serverNow()))}</span>;
}

export function accountName(account: Account): string {
  return account.alias || account.username;
}

/** The same without the device that XMPP adds. */
export function addressOf(account: Account): string {
  return account.alias || account.username.replace(/\/.*/, "");
}

/** Coming back by itself after a part of the server was started anew. */
export function isRestarting(account: Account): boolean {
  return account.state === "connecting" && account.error?.code === "restarting";
}

/** Not signed on again by itself, because it brought a part of the server down. */
export function isSetAside(account: Account): boolean {
  return account.state === "error" && account.error?.code === "set_aside";
}

/** Its network is switched off on this site: nothing of the account is to be mended. */
export function isSwitchedOff(account: Account): boolean {
  return account.error?.code === "protocol_disabled";
}

export function stateText(account: Account): string {
  if (isRestarting(account)) return w.accounts.states.reconnecting;
  if (account.state === "connecting") return progressText(account) || w.accounts.states.connecting;
  if (account.error && account.state !== "online") return accountErrorText(account.error);
  return w.accounts.states[account.state] ?? account.state;
}

/** Every account is signed off, or there is none: what is set shows to nobody. */
export function isSignedOff(): boolean {
  return ![...accounts.value.values()].some((one) => one.state === "online" || one.state === "connecting" || one.state === "waiting");
}

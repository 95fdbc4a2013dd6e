// Computes the status that the user shows over all accounts, and which accounts show another; pure. Does not set it (see ui/account/status.tsx).
import type { Account, OwnStatus } from "../wire/types";

export interface Shown {
  status: OwnStatus["status"];
  message: string;
  /** Accounts that are signed on and show something else. */
  others: readonly Account[];
}

/** The status that most signed-on accounts show; in a tie the status that was chosen for all. Null while no account is signed on. */
export function shownStatus(accounts: Iterable<Account>, own: OwnStatus): Shown | null {
  const online = [...accounts].filter((one) => one.state === "online");
  const by = new Map<OwnStatus["status"], Account[]>();
  for (const one of online) by.set(one.status, [...(by.get(one.status) ?? []), one]);
  const most = [...by].sort(([a, first], [b, second]) => second.length - first.length || Number(b === own.status) - Number(a === own.status))[0];
  if (!most) return null;
  const [status, them] = most;
  const message = status === own.status ? own.message : them[0]?.status_message;
  return { status, message: message ?? "", others: online.filter((one) => one.status !== status) };
}

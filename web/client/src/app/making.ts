// Accounts that are being made on their servers: once that is done they sign on; it must not draw.
import { splitName } from "../state/address";
import type { Account, Protocol } from "../wire/types";
import { accounts, command, protocolOf } from "./store";

interface Making {
  /** The server is at it: only what comes after this is its answer. */
  begun: boolean;
  /** What was filled in, here and then on the server's form. The account must know it to sign on. */
  name: string;
  password: string;
}

const making = new Map<string, Making>();

/** The account is about to be made; it signs on as soon as that is done. */
export function awaitMade(account: string, name: string, password: string): void {
  making.set(account, { begun: false, name, password });
}

/** Asks the server to make the account; it answers with a form. */
export async function makeAccount(account: string, name: string, password: string): Promise<void> {
  awaitMade(account, name, password);
  await command("account.register", { account });
}

/** The part of an account's user name that its server knows it by. */
export function ownPart(account: Account): string {
  const protocol = protocolOf(account.protocol);
  return protocol ? splitName(protocol, account.username).user : account.username;
}

/** What the server's form asks for once more. */
export function madeSoFar(account: string | null | undefined, field: string): string | undefined {
  const one = account ? making.get(account) : undefined;
  return field === "username" ? one?.name : field === "password" ? one?.password : undefined;
}

export const canMake = (protocol: Protocol | null | undefined): boolean => protocol?.features.includes("register") === true;

/** The server's form was answered: XMPP's has these two fields (XEP-0077). */
export function madeWith(account: string | null | undefined, values: Readonly<Record<string, unknown>>): void {
  const one = account ? making.get(account) : undefined;
  if (!one) return;
  const { username, password } = values;
  if (typeof username === "string") one.name = username;
  if (typeof password === "string") one.password = password;
}

async function signOn(account: Account, made: Making): Promise<void> {
  const protocol = protocolOf(account.protocol);
  const known = protocol ? splitName(protocol, account.username) : null;
  const fields = {
    ...(made.name !== "" && known && made.name !== known.user ? { splits: { ...known, user: made.name } } : {}),
    ...(made.password === "" ? {} : { password: made.password }),
  };
  if (Object.keys(fields).length > 0) await command("account.update", { account: account.id, ...fields });
  await command("account.enable", { account: account.id });
}

accounts.subscribe((all) => {
  for (const [id, one] of making) {
    const account = all.get(id);
    if (account?.state === "connecting") one.begun = true;
    else if (account && one.begun) {
      making.delete(id);
      // Why it was not made stands at the account.
      if (account.state === "offline" && !account.error) void signOn(account, one).catch(() => undefined);
    }
  }
});

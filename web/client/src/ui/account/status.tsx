// Builds the menus and the dialog of the user's status, on all accounts or on one. Does not draw the user (see Me.tsx).
import { useSignal } from "@preact/signals";
import { accounts, command, ownStatus, protocolOf } from "../../app/store";
import { presenceOf, type Presence } from "../../state/roster";
import type { Account, OwnStatus, StatusKind } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { addressOf, isSignedOff } from "../accountState";
import { Dot } from "../Avatar";
import { Dialog, openDialog, toast } from "../Dialog";
import { TextField } from "../fields";
import type { Item } from "../Menu";
import { ownPictureDialog, takers } from "../people/OwnPicture";
import { radioKeys, radioStop } from "../radios";

const KINDS: readonly StatusKind[] = ["available", "away", "unavailable", "extended_away", "invisible", "offline"];
const words = w.status as unknown as Record<string, string>;
const say = (error: unknown): void => toast(errorText(error));

export const shape = (kind: string): Presence => presenceOf(kind === "invisible" ? "offline" : kind);
export const statusWords = (kind: string): string => words[kind] ?? kind;

/** Sets the status on all accounts. While all are signed off, a status other than offline signs them on, too. */
async function setStatus(status: StatusKind, message?: string): Promise<void> {
  const off = status !== "offline" && isSignedOff();
  const all = [...accounts.value.values()];
  await command("status.set", message === undefined ? { status } : { status, message }, "status");
  if (off) await Promise.all(all.map((one) => command(one.enabled ? "account.connect" : "account.enable", { account: one.id })));
}

/** Sets the status of one account alone, until another status is chosen for all. */
const setOne = (account: Account, { status, message }: OwnStatus): Promise<unknown> =>
  command("status.set", { status, ...(message ? { message } : {}), accounts: [account.id] }, `status ${account.id}`);

/** The statuses that the account's network has, without offline: signing off is another entry. */
function kindsOf(account: Account): StatusKind[] {
  const known = protocolOf(account.protocol)?.statuses.map((one) => one.kind) ?? [];
  return KINDS.filter((kind) => kind !== "offline" && (kind === "available" || known.includes(kind)));
}

function StatusDialog({ account, close }: { account: Account | undefined; close(): void }) {
  const own: OwnStatus = account ? { status: account.status, message: account.status_message ?? "" } : ownStatus.value;
  const kinds = account ? kindsOf(account) : KINDS;
  const status = useSignal(own.status);
  const message = useSignal(own.message ?? "");
  const save = () => {
    const set = { status: status.value, message: message.value.trim() };
    (account ? setOne(account, set) : setStatus(set.status, set.message)).catch(say);
    close();
  };
  const title = account ? m.people.statusOf(addressOf(account)) : w.status.menu;
  return (
    <Dialog title={title} testid="status-dialog" onClose={close} onSubmit={save} actions={<><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class="primary">{w.status.set}</button></>}>
      <div class="status-choices" role="radiogroup" aria-label={title} onKeyDown={radioKeys}>
        {kinds.map((kind, at) => (
          <button key={kind} type="button" role="radio" aria-checked={status.value === kind} tabIndex={radioStop(kinds.findIndex((other) => other === status.value), at)} class="status-choice" data-testid={`status-${kind}`} onClick={() => (status.value = kind)}>
            <Dot presence={shape(kind)} />{words[kind]}
          </button>
        ))}
      </div>
      <TextField label={w.status.message} name="status-message" value={message.value} placeholder={w.status.messageHint} onInput={(text) => (message.value = text)} />
    </Dialog>
  );
}

const messageItem = (account?: Account): Item => ({ label: `${w.status.message}…`, icon: "chat", testid: "menu-status-message", run: () => openDialog((close) => <StatusDialog account={account} close={close} />) });

export function statusMenu(): Item[] {
  return [
    ...KINDS.map((kind): Item => ({
      label: statusWords(kind),
      mark: <Dot presence={shape(kind)} />,
      checked: (isSignedOff() ? "offline" : ownStatus.value.status) === kind,
      testid: `menu-status-${kind}`,
      run: () => { setStatus(kind, ownStatus.value.message ?? undefined).catch(say); },
    })),
    { kind: "line" },
    messageItem(),
    ...(takers().length > 0 ? [{ label: w.accounts.icon, icon: "picture", testid: "menu-own-icon", run: () => ownPictureDialog() } as const] : []),
  ];
}

/** The same for one account, while others show something else. */
export function accountStatusMenu(account: Account): Item[] {
  const own = ownStatus.value;
  return [
    { kind: "head", label: m.people.statusOf(addressOf(account)) },
    ...kindsOf(account).map((kind): Item => ({
      label: statusWords(kind),
      mark: <Dot presence={shape(kind)} />,
      checked: account.status === kind,
      testid: `account-status-${kind}`,
      run: () => { setOne(account, { status: kind, message: account.status_message ?? "" }).catch(say); },
    })),
    { kind: "line" },
    messageItem(account),
    ...(own.status === "offline" ? [] : [{ label: m.people.asAll, icon: "people", disabled: account.status === own.status && (account.status_message ?? "") === (own.message ?? ""), testid: "account-status-as-all", run: () => { setOne(account, own).catch(say); } } as const]),
  ];
}

// The dialog that begins a conversation with somebody who need not be on the list; it must not add anybody.
import { useSignal } from "@preact/signals";
import { buddies } from "../../app/store";
import { openBuddy } from "../../app/windows";
import { errorText, w } from "../../words";
import { Dialog, openDialog } from "../Dialog";
import { TextField } from "../fields";
import { CommandError } from "../../net";
import { Problem } from "../front/problem";
import { AccountSelect, firstOnline } from "./AddBuddy";

/** More names than this are no help in a box that completes. */
const SUGGESTED = 200;

function NewMessage({ close }: { close(): void }) {
  const account = useSignal(firstOnline());
  const name = useSignal("");
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const missing = name.value.trim() === "" || account.value === "";
  const known: string[] = [];
  for (const buddy of buddies.value.values()) {
    if (known.length >= SUGGESTED) break;
    if (buddy.account === account.value) known.push(buddy.name);
  }
  const submit = () => {
    if (busy.value || missing) return;
    busy.value = true;
    openBuddy({ account: account.value, name: name.value.trim() }).then(close, (cause: unknown) => {
      error.value = cause;
      busy.value = false;
    });
  };
  const atName = error.value instanceof CommandError && error.value.field === "name" ? errorText(error.value) : null;
  return (
    <Dialog title={w.list.newMessageTitle} testid="new-message-dialog" onClose={close} onSubmit={submit}
      actions={<><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class="primary" disabled={busy.value || missing} data-testid="new-message-ok">{w.list.open}</button></>}>
      <AccountSelect value={account.value} onInput={(id) => (account.value = id)} />
      <TextField label={w.list.addName} name="buddy-name" value={name.value} error={atName} autofocus list={known} onInput={(text) => { name.value = text; if (atName) error.value = null; }} />
      {error.value !== null && atName === null && <Problem text={errorText(error.value)} />}
    </Dialog>
  );
}

export function newMessageDialog(): void {
  openDialog((close) => <NewMessage close={close} />);
}

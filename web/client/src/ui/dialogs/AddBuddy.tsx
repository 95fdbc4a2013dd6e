// The dialog that adds a buddy; it must not check names, the network does.
import { useSignal } from "@preact/signals";
import { accounts, buddies, command, groups, protocolOf, settings, tell, update } from "../../app/store";
import { groupForNew, LAST_GROUP } from "../../state/groups";
import { CommandError } from "../../net";
import { buddyName, fold } from "../../state/roster";
import { errorText, w } from "../../words";
import { Dialog, openDialog } from "../Dialog";
import { SelectField, TextField } from "../fields";
import { Problem } from "../front/problem";

interface Start { account?: string; name?: string; alias?: string }

export function AccountSelect({ value, onInput, filter }: { value: string; onInput(id: string): void; filter?: (protocol: string) => boolean }) {
  const list = [...accounts.value.values()].filter((one) => one.state === "online" && (!filter || filter(one.protocol)));
  return (
    <SelectField label={w.list.account} name="account" value={value} onInput={onInput}
      choices={list.map((one) => ({ value: one.id, label: `${one.username} (${protocolOf(one.protocol)?.name ?? one.protocol})` }))} />
  );
}

export function firstOnline(filter?: (protocol: string) => boolean): string {
  return [...accounts.value.values()].find((one) => one.state === "online" && (!filter || filter(one.protocol)))?.id ?? "";
}

function AddBuddy({ start, close }: { start: Start; close(): void }) {
  const account = useSignal(start.account ?? firstOnline());
  const name = useSignal(start.name ?? "");
  const alias = useSignal(start.alias ?? "");
  const usual = groupForNew(settings.value, groups.value);
  const group = useSignal("");
  const message = useSignal("");
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const submit = () => {
    if (busy.value || name.value.trim() === "" || account.value === "") return;
    // Once more in another group is a wish; once more because one did not see them is not.
    const there = [...buddies.value.values()].find((one) => one.account === account.value && fold(one.name) === fold(name.value.trim()));
    if (there && (group.value.trim() === "" || group.value.trim() === there.group)) {
      error.value = { message: w.list.already(buddyName(there), there.group || w.list.noGroup) };
      return;
    }
    busy.value = true;
    error.value = null;
    const into = group.value.trim() || usual;
    const optional = { alias: alias.value.trim(), message: message.value.trim() };
    command("buddy.add", {
      account: account.value,
      name: name.value.trim(),
      group: into,
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== "")),
    }).then(() => {
      // The next one goes there, too.
      if (settings.value[LAST_GROUP] !== into) {
        update((old) => ({ ...old, settings: { ...old.settings, [LAST_GROUP]: into } }));
        tell("settings.set", { values: { [LAST_GROUP]: into } }, LAST_GROUP);
      }
      close();
    }, (cause: unknown) => {
      error.value = cause;
      busy.value = false;
    });
  };
  const atName = error.value instanceof CommandError && error.value.field === "name" ? errorText(error.value) : null;
  return (
    <Dialog title={w.list.addTitle} testid="add-buddy-dialog" onClose={close} onSubmit={submit}
      actions={<><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class="primary" disabled={busy.value || name.value.trim() === "" || account.value === ""} data-testid="add-buddy-ok">{w.list.add}</button></>}>
      <AccountSelect value={account.value} onInput={(id) => (account.value = id)} />
      <TextField label={w.list.addName} name="buddy-name" value={name.value} error={atName} autofocus onInput={(text) => { name.value = text; if (atName) error.value = null; }} />
      <TextField label={`${w.list.addAlias} (${w.optional})`} name="buddy-alias" value={alias.value} onInput={(text) => (alias.value = text)} />
      <TextField label={w.list.addGroup} name="buddy-group" value={group.value} list={[...groups.value.keys()]} placeholder={usual} onInput={(text) => (group.value = text)} />
      <TextField label={`${w.list.addMessage} (${w.optional})`} name="buddy-message" value={message.value} onInput={(text) => (message.value = text)} />
      {error.value !== null && atName === null && <Problem text={errorText(error.value)} />}
    </Dialog>
  );
}

export function addBuddyDialog(start: Start = {}): void {
  openDialog((close) => <AddBuddy start={start} close={close} />);
}

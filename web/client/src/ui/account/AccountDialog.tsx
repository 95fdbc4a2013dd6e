// Adding and editing an IM account from inside; it must not sign anybody in to the site.
import { useSignal } from "@preact/signals";
import { canMake, makeAccount } from "../../app/making";
import { command, protocolOf, protocols, user } from "../../app/store";
import type { Account, Protocol } from "../../wire/types";
import { accountErrorText, errorText, w } from "../../words";
import { CommandError } from "../../net";
import { Dialog, openDialog } from "../Dialog";
import { CheckField } from "../fields";
import { AccountFields, boxOf, changedOptions, firstBox, isAtBox, useAccountForm, wireName } from "../front/accountForm";
import { offered, Tiles } from "../front/Front";
import { Problem } from "../front/problem";
import { composing } from "../keys";

function AccountForm({ protocol, account, close }: { protocol: Protocol; account?: Account; close(): void }) {
  const form = useAccountForm(protocol, account);
  const remember = useSignal(true);
  const making = useSignal(false);
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const submit = async () => {
    if (busy.value || !form.check()) return;
    busy.value = true;
    error.value = null;
    const options = changedOptions(protocol, form);
    const fields = {
      ...wireName(protocol, form.values),
      ...(form.values.password === "" ? {} : { password: form.values.password }),
      ...(Object.keys(options).length > 0 ? { options } : {}),
    };
    try {
      if (account) {
        await command("account.update", { account: account.id, ...fields });
        if (account.state !== "online") await command("account.connect", { account: account.id });
      } else {
        const added = await command<{ account: string }>("account.add", { protocol: protocol.id, ...fields, remember: user.value?.guest ? false : remember.value, enabled: !making.value });
        if (making.value) await makeAccount(added.account, form.values.name.user.trim(), form.values.password);
      }
      close();
    } catch (cause) {
      const box = cause instanceof CommandError ? boxOf(protocol, cause.field) : null;
      if (box) form.fail(box, errorText(cause));
      else error.value = cause;
      busy.value = false;
    }
  };
  return (
    <div class="account-form" onKeyDown={(event) => { if (event.key === "Enter" && !composing(event) && event.target instanceof HTMLInputElement) { event.preventDefault(); void submit(); } }}>
      {account?.error && !isAtBox(account) && <Problem text={accountErrorText(account.error)} />}
      <AccountFields protocol={protocol} form={form} existing={!!account} autofocus={account ? firstBox(account) : undefined} />
      {!account && user.value?.guest === false && protocol.password !== "none" && <CheckField label={w.accounts.remember} name="remember" value={remember.value} onInput={(on) => (remember.value = on)} />}
      {!account && canMake(protocol) && <CheckField label={w.accounts.makeFirst} name="make" value={making.value} onInput={(on) => (making.value = on)} />}
      {error.value !== null && <Problem text={errorText(error.value)} />}
      <button type="button" class="primary big" disabled={busy.value} data-testid="account-save" onClick={() => void submit()}>{account ? w.save : making.value ? w.front.make : w.accounts.add}</button>
    </div>
  );
}

function AddAccount({ close }: { close(): void }) {
  const list = offered(protocols.value ?? []);
  const chosen = useSignal<string | null>(list[0]?.id ?? null);
  const protocol = list.find((one) => one.id === chosen.value);
  return (
    <Dialog title={w.accounts.addTitle} testid="add-account-dialog" wide onClose={close}>
      <Tiles list={list} value={chosen.value} onChoose={(id) => (chosen.value = id)} />
      {protocol && <AccountForm key={protocol.id} protocol={protocol} close={close} />}
    </Dialog>
  );
}

export function addAccountDialog(): void {
  openDialog((close) => <AddAccount close={close} />);
}

export function editAccountDialog(account: Account): void {
  const protocol = protocolOf(account.protocol);
  if (!protocol) return;
  openDialog((close) => (
    <Dialog title={w.accounts.editTitle(account.username)} testid="edit-account-dialog" onClose={close}>
      <AccountForm protocol={protocol} account={account} close={close} />
    </Dialog>
  ));
}

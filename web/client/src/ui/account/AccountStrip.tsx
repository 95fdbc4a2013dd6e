// One glyph per account with its state and what one can do with it; it must not edit.
import { canMake, makeAccount, ownPart } from "../../app/making";
import { muted } from "../../app/mutes";
import { accounts, command, protocolOf } from "../../app/store";
import { upload } from "../../net";
import type { Account, CommandBody } from "../../wire/types";
import { accountErrorText, errorText, w } from "../../words";
import { Countdown, isRestarting, isSetAside, isSwitchedOff, stateText, accountName } from "../accountState";
import { toast } from "../Dialog";
import { ask, confirm } from "../dialogs/Ask";
import { NetworkTile } from "../glyphs";
import { Icon } from "../icons";
import { addAccountDialog, addBuddyDialog, editAccountDialog, joinDialog } from "../later";
import { openMenu, type Item } from "../Menu";
import { muteItems } from "../mute";
import { serverMenu } from "../serverMenu";

const say = (error: unknown): void => toast(errorText(error));

function pickIcon(account: Account): void {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "image/png,image/jpeg,image/gif,image/webp";
  input.onchange = () => {
    const file = input.files?.[0];
    if (file) upload(file).then((done) => command("account.icon", { account: account.id, upload: done.upload })).catch(say);
  };
  input.click();
}

function removeAccount(account: Account): void {
  confirm({ title: w.accounts.removeTitle(accountName(account)), text: w.accounts.removeLead, yes: w.remove, danger: true, run: () => command("account.remove", { account: account.id }) });
}

export function accountMenu(account: Account): Item[] {
  const id = account.id;
  const run = (type: CommandBody["type"]) => () => { command(type, { account: id }).catch(say); };
  const items: Item[] = [{ kind: "head", label: `${account.username} · ${stateText(account)}` }];
  if (account.state === "waiting" || account.state === "error") items.push({ label: w.accounts.retryNow, icon: "clock", testid: "menu-retry", run: run("account.connect") });
  if (account.enabled) items.push({ label: w.accounts.signOff, icon: "out", testid: "menu-sign-off", run: run("account.disable") });
  if (!account.enabled || account.state === "offline") items.push({ label: w.accounts.signOn, icon: "check", testid: "menu-sign-on", run: run("account.enable") });
  items.push(...muteItems(id, accountName(account)), { kind: "line" });
  if (account.state === "online") {
    items.push(
      { label: w.accounts.joinRoom, icon: "hash", testid: "menu-account-join", run: () => joinDialog(id) },
      { label: w.accounts.addBuddy, icon: "people", testid: "menu-account-add-buddy", run: () => addBuddyDialog({ account: id }) },
    );
  }
  items.push(
    { label: w.accounts.edit, icon: "pen", testid: "menu-edit", run: () => editAccountDialog(account) },
    { label: w.accounts.alias, icon: "people", testid: "menu-account-alias", run: () => ask({ title: w.accounts.aliasTitle, label: w.front.name, hint: w.accounts.aliasHint, value: account.alias ?? "", testid: "account-alias-dialog", send: (alias) => command("account.alias", { account: id, alias }) }) },
    { label: w.accounts.icon, icon: "picture", testid: "menu-account-icon", run: () => pickIcon(account) },
    { label: w.accounts.remove, icon: "minus", danger: true, testid: "menu-account-remove", run: () => removeAccount(account) },
  );
  // For a name that its server does not know; one that signs on has been made.
  if ((account.state === "offline" || account.state === "error") && canMake(protocolOf(account.protocol))) {
    items.splice(-1, 0, { label: w.accounts.make, icon: "plus", testid: "menu-make", run: () => { command("account.disable", { account: id }).then(() => makeAccount(id, ownPart(account), "")).catch(say); } });
  }
  if (account.state === "online") items.push(...serverMenu("account.menu", "account.action", { account: id }, `account ${id}`, account.username));
  return items;
}

export function AccountStrip() {
  const list = [...accounts.value.values()];
  const troubled = list.filter((one) => one.error && one.state !== "online" && one.state !== "connecting");
  return (
    <section class="accounts" aria-label={w.accounts.label}>
      <div class="strip">
        {list.map((account) => {
          const network = protocolOf(account.protocol)?.name ?? account.protocol;
          const quiet = muted.value.has(account.id);
          const text = `${network}: ${account.username}, ${stateText(account)}${quiet ? `, ${w.mute.muted}` : ""}`;
          return (
            <button key={account.id} type="button" class={`account account-${account.state}`} title={text} aria-label={text} aria-haspopup="menu" data-testid="account" data-account={account.id} data-username={account.username} data-state={account.state} data-muted={quiet} data-code={account.error?.code} onClick={(event) => openMenu(event, accountMenu(account), `account ${account.id}`)} onContextMenu={(event) => openMenu(event, accountMenu(account), `account ${account.id}`)}>
              <NetworkTile protocol={account.protocol} size={30} />
              <i class="account-mark" aria-hidden="true" />
              {quiet && <i class="account-muted" aria-hidden="true"><Icon name="mute" size={11} /></i>}
            </button>
          );
        })}
        <button type="button" class="account add" aria-label={w.accounts.add} title={w.accounts.add} data-testid="add-account" onClick={addAccountDialog}><Icon name="plus" size={16} /></button>
      </div>
      {list.filter((one) => one.state === "connecting").map((account) => (
        <p key={account.id} class="account-note busy" role={isRestarting(account) ? "status" : undefined} data-testid="account-busy" data-code={account.error?.code}>
          <i class="spinner" /><span>{account.username}: {stateText(account)}{isRestarting(account) && <small>{w.accounts.restarting}</small>}</span>
        </p>
      ))}
      {troubled.map((account) => (
        <div key={account.id} class="account-note" role="status" data-testid="account-error" data-code={account.error?.code}>
          <Icon name="warn" size={15} />
          <span><b>{account.username}</b> {accountErrorText(account.error)} {account.state === "waiting" && <Countdown to={account.retry_at} />}</span>
          {isSwitchedOff(account) ? null : account.state === "error" && !isSetAside(account)
            ? <button type="button" class="text-link" data-testid="account-edit" onClick={() => editAccountDialog(account)}>{w.accounts.edit}</button>
            : <button type="button" class="text-link" data-testid="account-retry" onClick={() => void command("account.connect", { account: account.id }).catch(say)}>{account.state === "error" ? w.retry : w.accounts.retryNow}</button>}
          {isSetAside(account) && <button type="button" class="text-link" data-testid="account-leave" onClick={() => removeAccount(account)}>{w.accounts.remove}</button>}
        </div>
      ))}
    </section>
  );
}

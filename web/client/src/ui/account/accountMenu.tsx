// Builds the menu of an account. Does not draw the account (see AccountStrip.tsx).
import { canMake, makeAccount, ownPart } from "../../app/making";
import { accounts, command, protocolOf } from "../../app/store";
import type { Account, CommandBody } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { accountName, stateText } from "../accountState";
import { Dot } from "../Avatar";
import { toast } from "../Dialog";
import { ask, confirm } from "../dialogs/Ask";
import { addBuddyDialog } from "../dialogs/AddBuddy";
import { joinDialog } from "../dialogs/Join";
import { openMenu, type Item } from "../Menu";
import { muteItems } from "../mute";
import { ownPictureDialog } from "../people/OwnPicture";
import { serverMenu } from "../serverMenu";
import { editAccountDialog } from "./AccountDialog";
import { accountStatusMenu, shape, statusWords } from "./status";

const say = (error: unknown): void => toast(errorText(error));

export function removeAccount(account: Account): void {
  confirm({ title: w.accounts.removeTitle(accountName(account)), text: w.accounts.removeLead, yes: w.remove, danger: true, run: () => command("account.remove", { account: account.id }) });
}

export function accountMenu(account: Account): Item[] {
  const id = account.id;
  const run = (type: CommandBody["type"]) => () => { command(type, { account: id }).catch(say); };
  const items: Item[] = [{ kind: "head", label: `${account.username} · ${stateText(account)}` }];
  if (account.state === "waiting" || account.state === "error") items.push({ label: w.accounts.retryNow, icon: "clock", testid: "menu-retry", run: run("account.connect") });
  if (account.enabled) items.push({ label: w.accounts.signOff, icon: "out", testid: "menu-sign-off", run: run("account.disable") });
  if (!account.enabled || account.state === "offline") items.push({ label: w.accounts.signOn, icon: "check", testid: "menu-sign-on", run: run("account.enable") });
  // The status of a single account is the user's own, which has a menu already.
  if (account.state === "online" && accounts.value.size > 1) items.push({ label: m.people.status, mark: <Dot presence={shape(account.status)} />, hint: statusWords(account.status), testid: "menu-account-status", run: () => setTimeout(() => openMenu(document.activeElement ?? document.body, accountStatusMenu(account))) });
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
    ...(protocolOf(account.protocol)?.icon_spec && account.state === "online" ? [{ label: w.accounts.icon, icon: "picture", testid: "menu-account-icon", run: () => ownPictureDialog(id) } as Item] : []),
    { label: w.accounts.remove, icon: "minus", danger: true, testid: "menu-account-remove", run: () => removeAccount(account) },
  );
  // For a name that its server does not know; one that signs on has been made.
  if ((account.state === "offline" || account.state === "error") && canMake(protocolOf(account.protocol))) {
    items.splice(-1, 0, { label: w.accounts.make, icon: "plus", testid: "menu-make", run: () => { command("account.disable", { account: id }).then(() => makeAccount(id, ownPart(account), "")).catch(say); } });
  }
  if (account.state === "online") items.push(...serverMenu("account.menu", "account.action", { account: id }, `account ${id}`, account.username));
  return items;
}

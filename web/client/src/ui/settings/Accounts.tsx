// The IM accounts among the settings, each with its state and its menu; it must not edit.
import { accounts, protocolOf } from "../../app/store";
import { w } from "../../words";
import { m } from "../../words/later";
import { stateText } from "../accountState";
import { accountMenu } from "../account/accountMenu";
import { NetworkTile } from "../glyphs";
import { Icon } from "../icons";
import { addAccountDialog } from "../later";
import { openMenu } from "../Menu";

export function AccountList() {
  const list = [...accounts.value.values()];
  return (
    <>
      {list.length === 0 && <p class="lead">{m.settings.noAccounts}</p>}
      {list.length > 0 && (
        <ul class="browsers">
          {list.map((account) => (
            <li key={account.id} class="browser" data-testid="settings-account" data-username={account.username} data-state={account.state}>
              <span class={`account account-${account.state}`}><NetworkTile protocol={account.protocol} size={32} /><i class="account-mark" aria-hidden="true" /></span>
              <span class="two wraps">
                <b>{account.username}</b>
                <small>{protocolOf(account.protocol)?.name ?? account.protocol} · {stateText(account)}</small>
              </span>
              <button type="button" class="tool" aria-label={`${w.more}: ${account.username}`} aria-haspopup="menu" data-testid="settings-account-menu" onClick={(event) => openMenu(event, accountMenu(account), `account ${account.id}`)}><Icon name="more" /></button>
            </li>
          ))}
        </ul>
      )}
      <p class="button-row"><button type="button" class="soft" data-testid="settings-add-account" onClick={addAccountDialog}><Icon name="plus" size={16} />{w.accounts.add}</button></p>
    </>
  );
}

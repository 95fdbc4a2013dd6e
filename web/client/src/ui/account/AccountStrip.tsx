// One glyph per account with its state and what one can do with it; it must not edit.
import { muted } from "../../app/mutes";
import { accounts, command, ownStatus, protocolOf } from "../../app/store";
import { shownStatus } from "../../state/presence";
import { presenceOf } from "../../state/roster";
import { accountErrorText, errorText, w } from "../../words";
import { Countdown, isRestarting, isSetAside, isSwitchedOff, stateText } from "../accountState";
import { toast } from "../Dialog";
import { NetworkTile } from "../glyphs";
import { Icon } from "../icons";
import { accountMenu, addAccountDialog, editAccountDialog, removeAccount } from "../later";
import { openMenu } from "../Menu";

const say = (error: unknown): void => toast(errorText(error));

export function AccountStrip() {
  const list = [...accounts.value.values()];
  const others = new Set(shownStatus(list, ownStatus.value)?.others);
  const words = w.status as unknown as Record<string, string>;
  const troubled = list.filter((one) => one.error && one.state !== "online" && one.state !== "connecting");
  return (
    <section class="accounts" aria-label={w.accounts.label}>
      <div class="strip">
        {list.map((account) => {
          const network = protocolOf(account.protocol)?.name ?? account.protocol;
          const quiet = muted.value.has(account.id);
          // The status that most accounts show stands above the strip; only another one is named here.
          const own = others.has(account) ? account.status : undefined;
          const text = `${network}: ${account.username}, ${stateText(account)}${own ? `, ${words[own] ?? own}` : ""}${quiet ? `, ${w.mute.muted}` : ""}`;
          return (
            <button key={account.id} type="button" class={`account account-${account.state} ${own ? `shows-${presenceOf(own)}` : ""}`} title={text} aria-label={text} aria-haspopup="menu" data-testid="account" data-account={account.id} data-username={account.username} data-state={account.state} data-muted={quiet} data-status={account.status} data-code={account.error?.code} onClick={(event) => openMenu(event, accountMenu(account), `account ${account.id}`)} onContextMenu={(event) => openMenu(event, accountMenu(account), `account ${account.id}`)}>
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

// Oneself at the top of the list: name, picture, and what others see; it must not change accounts.
import { accounts, ownStatus, user } from "../../app/store";
import { ownName, shortName } from "../../state/names";
import { shownStatus } from "../../state/presence";
import { presenceOf, type Presence } from "../../state/roster";
import { w } from "../../words";
import { addressOf, isSignedOff } from "../accountState";
import { Avatar } from "../Avatar";
import { Icon } from "../icons";
import { mainMenu, statusMenu } from "../later";
import { openMenu } from "../Menu";

const words = w.status as unknown as Record<string, string>;

export function Me() {
  const own = ownStatus.value;
  const all = [...accounts.value.values()];
  const only = all.length === 1 ? all[0] : undefined;
  const guest = user.value?.guest === true;
  const known = user.value?.name ?? "";
  const name = guest ? ownName(only ?? { alias: "", username: known }) : known;
  // The status that others see, not the chosen one.
  const shown = shownStatus(all, own);
  const status = shown?.status ?? own.status;
  const presence: Presence = shown && status !== "invisible" ? presenceOf(status) : "offline";
  const state = shown || all.length === 0 || status === "offline" ? words[status] : isSignedOff() ? w.accounts.signedOff : w.accounts.signingOn;
  const [other, more] = shown?.others ?? [];
  const others = more ? w.accounts.otherwise(shown?.others.length ?? 0) : other && `${words[other.status] ?? other.status}: ${addressOf(other)}`;
  const text = [state ?? status, shown?.message, others].filter(Boolean).join(" · ");
  return (
    <div class="me">
      <button type="button" class="me-main" onClick={(event) => openMenu(event, statusMenu())} aria-haspopup="menu" title={`${w.status.menu}: ${text}`} data-testid="my-status" data-status={status} data-shown={presence}>
        <Avatar name={name || "?"} of={shortName(only?.username ?? name)} icon={all.find((one) => one.icon)?.icon} presence={presence} size={38} />
        <span class="two">
          <b dir="auto">{name}</b>
          <small><span dir="auto">{text}</span><Icon name="down" size={12} /></small>
        </span>
      </button>
      <button type="button" class="tool" aria-label={w.menu.main} title={w.menu.main} aria-haspopup="menu" onClick={(event) => openMenu(event, mainMenu())} data-testid="main-menu"><Icon name="menu" /></button>
    </div>
  );
}

// Oneself at the top of the list: name, state, status menu; it must not change accounts one by one.
import { useSignal } from "@preact/signals";
import { accounts, command, ownStatus, user } from "../../app/store";
import { ownName, shortName } from "../../state/names";
import { presenceOf, type Presence } from "../../state/roster";
import type { StatusKind } from "../../wire/types";
import { errorText, w } from "../../words";
import { Avatar, Dot } from "../Avatar";
import { Dialog, openDialog, toast } from "../Dialog";
import { TextField } from "../fields";
import { Icon } from "../icons";
import { openMenu } from "../Menu";
import { radioKeys, radioStop } from "../radios";
import { mainMenu } from "../mainMenu";

const KINDS: StatusKind[] = ["available", "away", "unavailable", "extended_away", "invisible", "offline"];
const words = w.status as unknown as Record<string, string>;

/** Every account is signed off, or there is none: what is set shows to nobody. */
function isSignedOff(): boolean {
  return ![...accounts.value.values()].some((one) => one.state === "online" || one.state === "connecting" || one.state === "waiting");
}

/** Whoever chooses to be seen while all accounts are signed off wants them signed on. */
async function setStatus(status: StatusKind, message?: string): Promise<void> {
  const off = status !== "offline" && isSignedOff();
  const all = [...accounts.value.values()];
  await command("status.set", message === undefined ? { status } : { status, message }, "status");
  if (off) await Promise.all(all.map((one) => command(one.enabled ? "account.connect" : "account.enable", { account: one.id })));
}

function StatusDialog({ close }: { close(): void }) {
  const own = ownStatus.value;
  const status = useSignal(own.status);
  const message = useSignal(own.message ?? "");
  const save = () => {
    setStatus(status.value, message.value.trim()).catch((error: unknown) => toast(errorText(error)));
    close();
  };
  return (
    <Dialog title={w.status.menu} testid="status-dialog" onClose={close} onSubmit={save} actions={<><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class="primary">{w.status.set}</button></>}>
      <div class="status-choices" role="radiogroup" aria-label={w.status.menu} onKeyDown={radioKeys}>
        {KINDS.map((kind, at) => (
          <button key={kind} type="button" role="radio" aria-checked={status.value === kind} tabIndex={radioStop(KINDS.findIndex((other) => other === status.value), at)} class="status-choice" data-testid={`status-${kind}`} onClick={() => (status.value = kind)}>
            <Dot presence={shape(kind)} />{words[kind]}
          </button>
        ))}
      </div>
      <TextField label={w.status.message} name="status-message" value={message.value} placeholder={w.status.messageHint} onInput={(text) => (message.value = text)} />
    </Dialog>
  );
}

const shape = (kind: string): Presence => presenceOf(kind === "invisible" ? "offline" : kind);

function statusMenu(event: MouseEvent): void {
  openMenu(event, [
    ...KINDS.map((kind) => ({
      label: words[kind] ?? kind,
      mark: <Dot presence={shape(kind)} />,
      checked: (isSignedOff() ? "offline" : ownStatus.value.status) === kind,
      testid: `menu-status-${kind}`,
      run: () => { setStatus(kind, ownStatus.value.message ?? undefined).catch((error: unknown) => toast(errorText(error))); },
    })),
    { kind: "line" },
    { label: `${w.status.message}…`, icon: "chat", testid: "menu-status-message", run: () => openDialog((close) => <StatusDialog close={close} />) },
  ]);
}

export function Me() {
  const own = ownStatus.value;
  const only = accounts.value.size === 1 ? [...accounts.value.values()][0] : undefined;
  const guest = user.value?.guest === true;
  const known = user.value?.name ?? "";
  const name = guest ? ownName(only ?? { alias: "", username: known }) : known;
  const online = [...accounts.value.values()].some((one) => one.state === "online");
  const presence: Presence = online ? shape(own.status) : "offline";
  // What others see, not what was chosen.
  const shown = accounts.value.size === 0 || own.status === "offline" ? words[own.status] : isSignedOff() ? w.accounts.signedOff : online ? words[own.status] : w.accounts.signingOn;
  return (
    <div class="me">
      <button type="button" class="me-main" onClick={statusMenu} aria-haspopup="menu" title={w.status.menu} data-testid="my-status" data-status={own.status} data-shown={presence}>
        <Avatar name={name || "?"} of={shortName(only?.username ?? name)} icon={only?.icon} presence={presence} size={38} />
        <span class="two">
          <b dir="auto">{name}</b>
          <small>{[shown ?? own.status, online && own.message].filter(Boolean).join(" · ")}<Icon name="down" size={12} /></small>
        </span>
      </button>
      <button type="button" class="tool" aria-label={w.menu.main} title={w.menu.main} aria-haspopup="menu" onClick={mainMenu} data-testid="main-menu"><Icon name="menu" /></button>
    </div>
  );
}

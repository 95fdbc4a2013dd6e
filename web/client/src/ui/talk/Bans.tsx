// The bans of a room, each with a button that lifts it; it must not decide who may see it (see `room.menu`).
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { command } from "../../app/store";
import type { Talk } from "../../state/model";
import type { MenuItem } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog } from "../Dialog";
import { Problem } from "../front/problem";

function Bans({ talk, close }: { talk: Talk; close(): void }) {
  const bans = useSignal<readonly MenuItem[] | null>(null);
  const lifting = useSignal<string | null>(null);
  const error = useSignal<unknown>(null);
  const failed = (cause: unknown) => (error.value = cause);
  useEffect(() => {
    command<{ items?: MenuItem[] }>("room.action", { conversation: talk.id, action: "bans" }).then((result) => (bans.value = result?.items ?? []), failed);
  }, []);
  const lift = (whom: string) => {
    if (lifting.value !== null) return;
    lifting.value = whom;
    error.value = null;
    command("room.action", { conversation: talk.id, name: whom, action: "unban" })
      .then(() => (bans.value = (bans.value ?? []).filter((one) => one.id !== whom)), failed)
      .finally(() => (lifting.value = null));
  };
  return (
    <Dialog title={m.bans.title(talk.title)} testid="bans-dialog" onClose={close} actions={<button type="button" class="primary" onClick={close}>{w.close}</button>}>
      {error.value !== null && <Problem text={errorText(error.value)} />}
      {bans.value === null ? error.value === null && <p class="lead"><i class="spinner" /> {w.loading}</p>
        : bans.value.length === 0 ? <p class="lead" role="status" data-testid="no-bans">{m.bans.none}</p>
        : (
          <ul class="browsers" data-testid="bans">
            {bans.value.map((one) => (
              <li key={one.id} class="browser" data-testid="ban" data-name={one.id}>
                <span class="two wraps stretch"><b dir="auto">{one.label}</b>{one.note && <small dir="auto">{one.note}</small>}</span>
                <button type="button" class="text-link" aria-label={m.bans.liftOf(one.label)} aria-disabled={lifting.value !== null} data-testid="lift-ban" onClick={() => lift(one.id ?? "")}>{lifting.value === one.id ? <i class="spinner" /> : m.bans.lift}</button>
              </li>
            ))}
          </ul>
        )}
    </Dialog>
  );
}

export function bansDialog(talk: Talk): void {
  openDialog((close) => <Bans talk={talk} close={close} />);
}

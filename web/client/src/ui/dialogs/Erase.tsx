// Asks before the history of a conversation is deleted; it must not know what else one can do with it.
import { useSignal } from "@preact/signals";
import { command } from "../../app/store";
import type { Talk } from "../../state/model";
import { w } from "../../words";
import { Dialog, openDialog } from "../Dialog";
import { CheckField } from "../fields";
import { Failure, useSending } from "../front/siteForms";

function Erase({ talk, close }: { talk: Talk; close(): void }) {
  const whole = useSignal(false);
  const sending = useSending();
  const submit = () => sending.run(async () => {
    await command("history.delete", { conversation: talk.id, whole: whole.value });
    close();
  }, []);
  return (
    <Dialog title={w.talk.eraseTitle(talk.title)} testid="erase-dialog" onClose={close} onSubmit={submit}
      actions={<><button type="button" data-first onClick={close}>{w.cancel}</button><button type="submit" class="primary danger" disabled={sending.busy.value} data-testid="erase-ok">{w.talk.eraseYes}</button></>}>
      <p>{w.talk.eraseLead}</p>
      <CheckField label={w.talk.eraseWhole} name="erase-whole" value={whole.value} onInput={(on) => (whole.value = on)} />
      <Failure sending={sending} />
    </Dialog>
  );
}

export function eraseDialog(talk: Talk): void {
  openDialog((close) => <Erase talk={talk} close={close} />);
}

// The small dialogs: one or two lines of text, or a yes; it must not know what for.
import { useSignal } from "@preact/signals";
import { errorText, w } from "../../words";
import { Dialog, openDialog } from "../Dialog";
import { TextField } from "../fields";
import { Problem } from "../front/problem";

interface AskOptions {
  title: string;
  label: string;
  value: string;
  hint?: string;
  multiline?: boolean;
  /** Label of a second, optional line. */
  second?: string;
  testid?: string;
  send(value: string, second?: string): Promise<unknown>;
}

function AskDialog({ options, close }: { options: AskOptions; close(): void }) {
  const value = useSignal(options.value);
  const second = useSignal("");
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const submit = () => {
    if (busy.value) return;
    busy.value = true;
    options.send(value.value.trim(), second.value.trim()).then(close, (cause: unknown) => {
      error.value = cause;
      busy.value = false;
    });
  };
  return (
    <Dialog title={options.title} testid={options.testid ?? "ask-dialog"} onClose={close} onSubmit={submit}
      actions={<><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class="primary" disabled={busy.value} data-testid="ask-ok">{w.save}</button></>}>
      <TextField label={options.label} name="ask" value={value.value} multiline={options.multiline} hint={options.hint} onInput={(text) => (value.value = text)} />
      {options.second && <TextField label={`${options.second} (${w.optional})`} name="ask-second" value={second.value} onInput={(text) => (second.value = text)} />}
      {error.value !== null && <Problem text={errorText(error.value)} />}
    </Dialog>
  );
}

export function ask(options: AskOptions): void {
  openDialog((close) => <AskDialog options={options} close={close} />);
}

interface ConfirmOptions { title: string; text: string; yes: string; danger?: boolean; testid?: string; run(): Promise<unknown> }

function ConfirmDialog({ options, close }: { options: ConfirmOptions; close(): void }) {
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const submit = () => {
    if (busy.value) return;
    busy.value = true;
    options.run().then(close, (cause: unknown) => {
      error.value = cause;
      busy.value = false;
    });
  };
  return (
    <Dialog title={options.title} testid={options.testid ?? "confirm-dialog"} onClose={close} onSubmit={submit}
      actions={<><button type="button" data-first onClick={close}>{w.cancel}</button><button type="submit" class={options.danger ? "primary danger" : "primary"} disabled={busy.value} data-testid="confirm-ok">{options.yes}</button></>}>
      <p>{options.text}</p>
      {error.value !== null && <Problem text={errorText(error.value)} />}
    </Dialog>
  );
}

export function confirm(options: ConfirmOptions): void {
  openDialog((close) => <ConfirmDialog options={options} close={close} />);
}

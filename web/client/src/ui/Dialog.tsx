// Dialogs: a stack of native modal ones (focus trap and Esc are the browser's), and the toast line; it must not know their content.
import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { focusRequest } from "../app/windows";
import { w } from "../words";
import { cameFrom } from "./dialogs/Card";
import { guarded, type Ready } from "./dialogs/ready";
import { harbour, settle } from "./focus";
import { Icon } from "./icons";

interface Entry { key: number; view: (close: () => void) => JSX.Element }

const stack = signal<readonly Entry[]>([]);
let last = 0;
/** From the first of some dialogs, which may follow or cover each other, until the focus is given back: where it was, and who had asked for it by then. */
let run: { back: HTMLElement | null; asked: number; withdrawn?: boolean } | null = null;

export function openDialog(view: (close: () => void) => JSX.Element): () => void {
  const key = ++last;
  stack.value = [...stack.value, { key, view }];
  return () => closeDialog(key);
}

function closeDialog(key: number): void {
  stack.value = stack.value.filter((entry) => entry.key !== key);
}

export function closeAllDialogs(): void {
  stack.value = [];
}

export function DialogHost() {
  return <>{stack.value.map((entry) => <div key={entry.key} class="dialog-slot">{entry.view(() => closeDialog(entry.key))}</div>)}</>;
}

/** Once no dialog is open: to the conversation that was opened meanwhile, which could not take it from under them, or where it was, or home when that is gone. */
function giveBack(): void {
  if (!run || document.querySelector("dialog[open]")) return;
  const { back, asked, withdrawn } = run;
  run = null;
  const requested = focusRequest.peek() !== asked;
  const now = document.activeElement;
  if (now instanceof HTMLElement && now !== document.body) {
    // Whoever took it meanwhile keeps it.
    if (!requested) return;
    now.blur();
  }
  if (requested) {
    focusRequest.value++;
    return;
  }
  if (withdrawn) return harbour();
  if (back?.isConnected) back.focus();
  settle();
}

export interface DialogProps {
  title: string;
  testid?: string;
  wide?: boolean;
  /** A place of its own: as large as it can be, and what is in it scrolls by itself. */
  place?: boolean;
  children: ComponentChildren;
  onClose(): void;
  /** Given: the content is a form. */
  onSubmit?: (() => void) | undefined;
  actions?: ComponentChildren;
  /** Given: somebody else's question, which takes its time before it takes an answer. */
  ready?: Ready;
  /** Given: when it goes, whether that is its user's doing. */
  answered?: () => boolean;
}

/** What may have the focus by itself: where one writes, or else what is asked. No button, which a key could press that was on its way already. */
const WRITES = ".dialog-body :is(input:not([type=hidden], [type=checkbox]), textarea):not(:disabled)";

export function Dialog({ title, testid, wide, place, children, onClose, onSubmit, actions, ready, answered }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useRef(`dialog-${++last}`).current;
  const gone = useRef(false);
  // At once: keys pressed before it has the focus would go elsewhere.
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    run ??= { back: before instanceof HTMLElement && before !== document.body ? before : cameFrom(), asked: focusRequest.peek() };
    if (dialog && !dialog.open) dialog.showModal();
    const find = (css: string) => dialog?.querySelector<HTMLElement>(css);
    const first = find("[data-first]") ?? find(ready ? WRITES : ".dialog-body :is(input:not([type=hidden]), select, textarea):not(:disabled)") ?? find("h2");
    first?.focus();
    // What only scrolls must be reached by keys, too.
    const body = dialog?.querySelector<HTMLElement>(".dialog-body");
    if (body && body.scrollHeight > body.clientHeight && !body.querySelector("a, button, input, select, textarea, [tabindex]")) body.tabIndex = 0;
    return () => {
      gone.current = true;
      dialog?.close();
      if (run && answered) run.withdrawn = !answered();
      if (document.querySelector("dialog[open]")) return;
      // The browser has given the focus back by now. Until the page was drawn once more, Chromium holds what was under the dialog for inert: a
      // box with the focus takes keys but no text. So it gets it anew when it can use it.
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      requestAnimationFrame(() => requestAnimationFrame(giveBack));
    };
  }, []);
  // A button that is switched off loses the focus: what it led to gets it, or the box that is wrong.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (!dialog?.open || document.activeElement !== document.body) return;
    (dialog.querySelector<HTMLElement>("[aria-invalid]:not(:disabled)") ?? dialog.querySelector<HTMLElement>("h2"))?.focus();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    if (!ready || ready.takes()) onSubmit?.();
  };
  const cancel = (event: Event) => {
    event.preventDefault();
    onClose();
  };
  // A browser may close it past the question whether it may (a second Esc in a row in Chromium).
  const closed = () => { if (!gone.current) onClose(); };
  const backdrop = (event: MouseEvent) => {
    if (event.target === ref.current && !onSubmit) onClose();
  };
  const held = ready && { onMouseDownCapture: guarded(ready), onClickCapture: guarded(ready) };
  return (
    <dialog ref={ref} class={place ? "dialog place" : wide ? "dialog wide" : "dialog"} aria-labelledby={id} data-testid={testid} data-ready={ready?.["data-ready"]} onCancel={cancel} onClose={closed} onPointerDown={backdrop}>
      <form method="dialog" noValidate onSubmit={submit}>
        <header class="dialog-head" {...held}>
          <h2 id={id} tabIndex={-1}>{title}</h2>
          <button type="button" class="tool" aria-label={w.close} title={w.close} onClick={onClose}><Icon name="close" /></button>
        </header>
        <div class="dialog-body">{children}</div>
        {actions && <footer class="dialog-actions" {...held}>{actions}</footer>}
      </form>
    </dialog>
  );
}

interface Toast { key: number; text: string }
const toasts = signal<readonly Toast[]>([]);

/** A short word at the lower edge, gone by itself. */
export function toast(text: string): void {
  const key = ++last;
  toasts.value = [...toasts.value.slice(-3), { key, text }];
  setTimeout(() => (toasts.value = toasts.value.filter((one) => one.key !== key)), 6000);
}

export function ToastHost() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((one) => <div key={one.key} class="toast" data-testid="toast">{one.text}</div>)}
    </div>
  );
}

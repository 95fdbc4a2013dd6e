// What a network asks or tells, beside what one does: it takes no focus, and no press that was meant for something else; it must not answer.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { putOff } from "../../app/prompts";
import { accounts } from "../../app/store";
import { w } from "../../words";
import { harbour, settle } from "../focus";
import { Icon } from "../icons";
import { guarded, useReady } from "./ready";

/** Where the focus was before it went to a question. */
let before: HTMLElement | null = null;

/** The focus has come to the questions. */
export function enter(event: FocusEvent): void {
  const from = event.relatedTarget;
  if (from instanceof HTMLElement && !from.closest(".prompts")) before = from;
}

/** Where it was, once: for a dialog that takes the place of a question. */
export function cameFrom(): HTMLElement | null {
  const from = before;
  before = null;
  return from?.isConnected ? from : null;
}

/** Back to where it was. */
function leave(): void {
  const from = cameFrom();
  if (from) from.focus();
  else settle();
}

/** F6: to the first question, or back. False when there is none. */
export function toPrompts(): boolean {
  const first = document.querySelector<HTMLElement>(".prompts article");
  if (!first) return false;
  if (document.activeElement?.closest(".prompts")) leave();
  else first.focus();
  return true;
}

export function accountLine(id: string | null | undefined): string {
  const account = id ? accounts.value.get(id) : undefined;
  return account && accounts.value.size > 1 ? w.request.from(account.username) : "";
}

interface Props {
  id: string;
  testid: string;
  title: string;
  account: string | null | undefined;
  /** Its place among the others. */
  at: number;
  mark: ComponentChildren;
  children: ComponentChildren;
  /** Given: the answers. */
  actions: ComponentChildren;
  /** Its user has answered it. */
  answered: { readonly value: boolean };
}

export function Card({ id, testid, title, account, at, mark, children, actions, answered }: Props) {
  const ref = useRef<HTMLElement>(null);
  const held = useRef(false);
  const label = useId();
  const ready = useReady(at);
  useLayoutEffect(() => {
    const element = ref.current;
    return () => {
      if (!held.current) return;
      const own = answered.value;
      // Once it is gone. What was withdrawn under somebody's hands leaves the next key to nobody.
      queueMicrotask(() => {
        if (element?.isConnected) return;
        if (!own) harbour();
        else if (document.activeElement === document.body) leave();
      });
    };
  }, []);
  const later = () => {
    putOff([id]);
    if (held.current) leave();
    held.current = false;
  };
  const key = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    later();
  };
  return (
    <article class="prompt" ref={ref} tabIndex={-1} aria-labelledby={label} data-testid={testid} data-ready={ready["data-ready"]} onMouseDownCapture={guarded(ready)} onClickCapture={guarded(ready)} onKeyDown={key}
      onFocusIn={() => (held.current = true)} onFocusOut={(event) => (held.current = ref.current?.contains(event.relatedTarget as Node | null) ?? false)}>
      <header class="prompt-head">
        {mark}
        <div class="two">
          <h2 id={label}>{title}</h2>
          {accountLine(account) && <small>{accountLine(account)}</small>}
        </div>
      </header>
      <div class="prompt-body">{children}</div>
      <footer class="dialog-actions">
        <button type="button" class="quiet" onClick={later} data-testid="prompt-later">{w.later}</button>
        <span class="stretch" />
        {actions}
      </footer>
    </article>
  );
}

/** What stands before a question that is not about a person. */
export function Mark({ name }: { name: "help" | "chat" }) {
  return <span class="prompt-mark"><Icon name={name} size={20} /></span>;
}

// What went wrong with a form, and when it may be sent again; it must not know which form.
import { useEffect, useState } from "preact/hooks";
import { CallError } from "../../net";
import { errorText, w } from "../../words";
import { Icon } from "../icons";

export function Problem({ text }: { text: string }) {
  return <p class="problem" role="alert" data-testid="problem"><Icon name="warn" /><span>{text}</span></p>;
}

/** Counts an error's `retry_ms` down; the button is off meanwhile. */
export function useRetryAfter(error: unknown): number {
  const ms = error instanceof CallError ? (error.retryMs ?? 0) : 0;
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const until = performance.now() + ms;
    const tick = () => setLeft(Math.max(0, Math.ceil((until - performance.now()) / 1000)));
    tick();
    if (ms === 0) return;
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [error, ms]);
  return left;
}

/** The error without its wait, once that is over. */
export const bare = (error: unknown): unknown => (error instanceof CallError ? { code: error.code, message: error.message } : error);

/** An error's words, with what is left of its wait. */
export const waitText = (error: unknown, wait: number): string => errorText(bare(error)) + (wait > 0 ? ` ${w.waitSeconds(wait)}` : "");

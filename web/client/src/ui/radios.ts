// Buttons that are one choice: Tab stops at the chosen one, arrows choose another; it must not know what is chosen.

const STEP: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** For the `radiogroup` around buttons with the role `radio`. */
export function radioKeys(event: KeyboardEvent): void {
  const step = STEP[event.key];
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[role=radio]")];
  const at = all.indexOf(event.target as HTMLElement);
  if (step === undefined || at < 0) return;
  event.preventDefault();
  const next = all[(at + step + all.length) % all.length];
  next?.focus();
  next?.click();
}

/** Where Tab stops: at the chosen one, or at the first while none is. */
export const radioStop = (chosen: number, at: number): 0 | -1 => (at === Math.max(0, chosen) ? 0 : -1);

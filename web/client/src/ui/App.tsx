// Which of the page's faces shows, and the keys that work everywhere; it must not hold state.
import { computed } from "@preact/signals";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { announcement } from "../app/attention";
import { arriving, invitation } from "../app/session";
import { linkState, phase, talks, user } from "../app/store";
import { active, area, arrangement, close, cycle, focusRequest, minimise, onTalk, resized } from "../app/windows";
import type { CallError } from "../net";
import { w } from "../words";
import { DialogHost, closeAllDialogs, ToastHost } from "./Dialog";
import { Desk } from "./desk/Desk";
import { Panes, Stack } from "./desk/Narrow";
import { toPrompts } from "./dialogs/Card";
import "./dialogs/Close";
import { Prompts } from "./dialogs/Prompts";
import { RecoveryHost } from "./account/Recovery";
import { Arriving } from "./front/Arriving";
import { forgetPlace, harbour, useSettled } from "./focus";
import { Front } from "./front/Front";
import { Logo } from "./icons";
import { Stuck } from "./front/Stuck";
import { keepDialog, loadAhead, helpDialog, settingsDialog } from "./later";
import { focusSearch } from "./list/BuddyList";
import { MenuHost } from "./Menu";
import { EmojiHost } from "./talk/emoji";

const writing = (target: EventTarget | null): boolean => target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;

function keys(event: KeyboardEvent): void {
  if (phase.value.kind !== "in" || document.querySelector("dialog[open]")) return;
  if (event.key === "F6" && toPrompts()) return event.preventDefault();
  const id = active.value;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    focusSearch();
  } else if ((event.ctrlKey || event.metaKey) && event.key === ",") {
    event.preventDefault();
    settingsDialog();
  } else if (event.altKey && !event.ctrlKey && !event.metaKey) {
    const run: Record<string, () => void> = {
      ArrowDown: () => cycle(1),
      ArrowUp: () => cycle(-1),
      KeyU: () => cycle(1, true),
      KeyW: () => { if (id) close(id); },
      KeyM: () => { if (id) minimise(id); },
    };
    const found = run[event.code];
    if (found) {
      event.preventDefault();
      found();
    }
  } else if (event.key === "?" && !writing(event.target)) {
    event.preventDefault();
    helpDialog();
  }
}

/** The conversation one was in is gone: closed elsewhere. */
const bereft = computed(() => active.value !== null && !talks.value.has(active.value));

function Inside() {
  useEffect(() => {
    if (user.peek()?.guest && invitation.peek()) keepDialog();
    loadAhead();
    const measure = () => resized(area.peek());
    addEventListener("keydown", keys);
    addEventListener("resize", measure);
    return () => {
      removeEventListener("keydown", keys);
      removeEventListener("resize", measure);
      closeAllDialogs();
      forgetPlace();
    };
  }, []);
  const shape = arrangement.value;
  // Before it settles elsewhere.
  useLayoutEffect(() => { if (bereft.value) queueMicrotask(harbour); }, [bereft.value]);
  useSettled([shape, focusRequest.value, onTalk.value, bereft.value]);
  return shape === "desk" ? <Desk /> : shape === "panes" ? <Panes /> : <Stack />;
}

export function App() {
  const { kind } = phase.value;
  const account = arriving.value;
  const state = linkState.value;
  if (state.kind === "refused" || (kind === "starting" && state.kind === "offline" && state.error)) {
    return <Stuck error={state.error as CallError} stopped={state.kind === "refused"} />;
  }
  return (
    <>
      {kind === "starting" && <main class="front starting" aria-busy="true"><Logo size={64} /></main>}
      {kind === "front" && <Front />}
      {kind === "in" && (account ? <Arriving account={account} /> : <Inside />)}
      <RecoveryHost />
      <Prompts />
      <DialogHost />
      <MenuHost />
      <EmojiHost />
      <ToastHost />
      <div class="sr" role="log" aria-live="polite" aria-label={w.app}>{announcement.value}</div>
    </>
  );
}

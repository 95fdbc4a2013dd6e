// The page of whoever is signed in: desk, panes or stack, the questions of networks, and the keys that work everywhere; it must not hold state.
import { computed } from "@preact/signals";
import { useEffect, useLayoutEffect } from "preact/hooks";
import { invitation } from "../app/session";
import { phase, talks, user } from "../app/store";
import { findIn } from "../app/jump";
import { active, area, arrangement, close, cycle, focusRequest, minimise, onTalk, resized } from "../app/windows";
import { closeAllDialogs } from "./Dialog";
import { Desk } from "./desk/Desk";
import { Panes, Stack } from "./desk/Narrow";
import { toPrompts } from "./dialogs/Card";
import "./dialogs/Close";
import { forgetPlace, harbour, useSettled } from "./focus";
import { fetchDialogs, findDialog, helpDialog, keepDialog, searchDialog, settingsDialog } from "./later";
import { focusSearch } from "./list/BuddyList";

const writing = (target: EventTarget | null): boolean => target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;

function keys(event: KeyboardEvent): void {
  if (phase.value.kind !== "in" || document.querySelector("dialog[open]")) return;
  if (event.key === "F6" && toPrompts()) return event.preventDefault();
  const id = active.value;
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (control && key === "k") {
    event.preventDefault();
    focusSearch();
  } else if (control && key === "f" && !event.altKey) {
    event.preventDefault();
    // Where no conversation is in sight, all are meant.
    if (event.shiftKey || !id || (arrangement.value === "stack" && !onTalk.value)) searchDialog();
    else findIn(id);
  } else if (control && key === ",") {
    event.preventDefault();
    settingsDialog();
  } else if (event.altKey && !event.ctrlKey && !event.metaKey) {
    const run: Record<string, () => void> = {
      ArrowDown: () => cycle(1),
      ArrowUp: () => cycle(-1),
      KeyR: () => findDialog(),
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

export function Inside() {
  useEffect(() => {
    fetchDialogs();
    if (user.peek()?.guest && invitation.peek()) keepDialog();
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

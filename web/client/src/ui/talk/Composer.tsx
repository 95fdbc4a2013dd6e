// The box one writes in: drafts, typing notices, keys, emoji; it must not show messages.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { drafts, offer, offers } from "../../app/drafts";
import { prefs } from "../../app/prefs";
import { sendMessage, settings, tell } from "../../app/store";
import { active, focusRequest, putBack } from "../../app/windows";
import type { Talk } from "../../state/model";
import { w } from "../../words";
import { Icon } from "../icons";
import { composing } from "../keys";
import { openEmoji, parts } from "../later";
import { Attach } from "./Files";

const TYPING_EVERY = 4000;
const PAUSED_AFTER = 5000;

/** Tells the other side that one is typing: now and then while it goes on, and when it stops. */
class TypingTeller {
  private said: "typing" | "paused" | "none" = "none";
  private at = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly conversation: string;

  constructor(conversation: string) {
    this.conversation = conversation;
  }

  private say(state: "typing" | "paused" | "none"): void {
    this.said = state;
    this.at = Date.now();
    tell("typing.set", { conversation: this.conversation, state }, `typing ${this.conversation}`);
  }

  input(text: string): void {
    clearTimeout(this.timer);
    if (text === "" || text.startsWith("/")) {
      if (this.said !== "none") this.say("none");
      return;
    }
    if (this.said !== "typing" || Date.now() - this.at > TYPING_EVERY) this.say("typing");
    this.timer = setTimeout(() => this.say("paused"), PAUSED_AFTER);
  }

  /** A message says itself that the typing is over. */
  sent(): void {
    clearTimeout(this.timer);
    this.said = "none";
  }

  leave(): void {
    clearTimeout(this.timer);
    if (this.said === "typing") this.say("paused");
  }
}

export function Composer({ talk, label, disabled }: { talk: Talk; label: string; disabled?: boolean }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const teller = useRef<TypingTeller | null>(null);
  const sentTexts = useRef<string[]>([]);
  const recall = useRef(-1);
  const empty = useSignal(true);

  /** The text has changed, or the room for it. */
  const fit = () => {
    const element = box.current;
    if (!element) return;
    empty.value = element.value.trim() === "";
    element.style.height = "auto";
    // What is not shown has no height to fit.
    if (element.scrollHeight > 0) element.style.height = `${Math.min(element.scrollHeight, 160)}px`;
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver !== "function") return;
    let width = 0;
    let frame = 0;
    const observer = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      // Not at once: it changes what is observed.
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(fit);
    });
    observer.observe(element);
    return () => {
      cancelAnimationFrame(frame);
      observer.disconnect();
    };
  }, []);
  useLayoutEffect(() => {
    if (box.current) box.current.value = drafts.begin(talk.id);
    fit();
    const one = new TypingTeller(talk.id);
    teller.current = one;
    return () => {
      one.leave();
      drafts.flush(talk.id);
    };
  }, [talk.id]);
  const draft = settings.value[`draft.${talk.id}`];
  useLayoutEffect(() => {
    const text = drafts.follow(talk.id);
    if (text === null || !box.current) return;
    box.current.value = text;
    fit();
  }, [draft]);
  const wanted = focusRequest.value;
  // At once: a later turn would take the focus from what was opened meanwhile. Only when asked for: who goes to a title bar stays there.
  useLayoutEffect(() => {
    // On a phone the focus would raise the keyboard over what one came to read.
    if (active.peek() === talk.id && wanted > 0 && !matchMedia("(pointer: coarse)").matches) box.current?.focus();
  }, [wanted]);

  const changed = () => {
    if (!box.current) return;
    const text = box.current.value;
    drafts.typed(talk.id, text);
    if (talk.kind === "im") teller.current?.input(text);
    fit();
  };
  const put = (text: string) => {
    const element = box.current;
    if (!element) return;
    element.value = text;
    element.selectionStart = element.selectionEnd = text.length;
    changed();
  };
  const back = putBack.value;
  useLayoutEffect(() => {
    if (back?.conversation !== talk.id || !box.current) return;
    putBack.value = null;
    // What was typed meanwhile stays, below.
    put([back.text, box.current.value].filter((text) => text !== "").join("\n"));
    box.current.focus();
  }, [back, talk.id]);
  const insert = (text: string) => {
    const element = box.current;
    if (!element) return;
    element.setRangeText(text, element.selectionStart, element.selectionEnd, "end");
    element.focus();
    changed();
  };
  const send = () => {
    const text = box.current?.value ?? "";
    const more = parts.peek();
    if (text.trim() === "" || more?.asksFirst(talk, text, send)) return;
    sentTexts.current = [...sentTexts.current.slice(-49), text];
    recall.current = -1;
    teller.current?.sent();
    sendMessage(talk.id, text, more?.spansOf(talk, text));
    if (box.current) box.current.value = "";
    drafts.done(talk.id);
    fit();
    box.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    if (composing(event)) return;
    const element = box.current;
    const wanted = prefs.send_key.value === "enter" ? !event.ctrlKey && !event.metaKey : event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && wanted) {
      event.preventDefault();
      send();
    } else if (event.key === "Enter" && event.ctrlKey && prefs.send_key.value === "enter") {
      // Browsers make no line of this by themselves.
      event.preventDefault();
      insert("\n");
    } else if (event.key === "ArrowUp" && element && (element.value === "" || recall.current >= 0)) {
      const list = sentTexts.current.length > 0 ? sentTexts.current : talk.messages.filter((one) => one.from?.self).map((one) => one.text);
      if (list.length === 0) return;
      event.preventDefault();
      recall.current = Math.min(recall.current + 1, list.length - 1);
      const at = recall.current;
      put(list[list.length - 1 - at] ?? "");
    } else if (event.key === "ArrowDown" && recall.current >= 0) {
      event.preventDefault();
      const list = sentTexts.current.length > 0 ? sentTexts.current : talk.messages.filter((one) => one.from?.self).map((one) => one.text);
      recall.current -= 1;
      put(recall.current < 0 ? "" : (list[list.length - 1 - recall.current] ?? ""));
    }
  };
  const other = offers.value.get(talk.id);
  const swap = () => {
    const text = box.current?.value ?? "";
    offer(talk.id, text.trim() === "" ? null : text);
    put(other ?? "");
    box.current?.focus();
  };
  return (
    <>
    {other !== undefined && (
      <p class="strip-note offer" role="status" data-testid="draft-offer">
        <span>{w.talk.otherDraft(other)}</span>
        <button type="button" class="text-link" data-testid="draft-swap" onClick={swap}>{w.talk.useDraft}</button>
        <button type="button" class="text-link" data-testid="draft-discard" onClick={() => offer(talk.id, null)}>{w.talk.discard}</button>
      </p>
    )}
    <div class={disabled ? "composer off" : "composer"}>
      <textarea ref={box} rows={1} dir="auto" placeholder={label} aria-label={label} data-testid="composer" onBlur={() => drafts.flush(talk.id)} onInput={() => { recall.current = -1; changed(); }} onKeyDown={key} enterkeyhint="send" />
      <i class="ring" aria-hidden="true" />
      {parts.value && <parts.value.Assist talk={talk} box={box} />}
      <Attach talk={talk} />
      <button type="button" class="tool" aria-label={w.talk.emoji} title={w.talk.emoji} data-testid="emoji" onClick={(event) => openEmoji(event.currentTarget, insert)}><Icon name="smile" size={20} /></button>
      <button type="button" class="tool send" aria-label={w.talk.send} aria-disabled={empty.value} title={w.talk.send} data-testid="send" onClick={send}><Icon name="send" size={20} /></button>
    </div>
    </>
  );
}

// The messages of one conversation: bubbles or room lines, days, scrolling; it must not send anything but a retry.
import { serverNow } from "../../app/clock";
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { atEnd } from "../../app/attention";
import { discardOutgoing, isSettled, loadEarlier, outgoing, sendAgain, sendMessage, settle } from "../../app/store";
import { active, putBack, unreadFrom } from "../../app/windows";
import { logItems, type LogItem } from "../../state/log";
import type { Line, Talk } from "../../state/model";
import type { Message } from "../../wire/types";
import { clock, dayName, errorText, w } from "../../words";
import { Avatar } from "../Avatar";
import { mix } from "../glyphs";
import { Icon } from "../icons";
import { memo } from "../memo";
import { Spans } from "./Spans";

/** More rows than this are shown only once one scrolls up to them. */
const SHOWN = 160;

export function nickHue(name: string): number {
  return mix(name.toLowerCase()) % 8;
}

/** One to three emoji and nothing else: shown large. */
const onlyEmoji = (text: string): boolean => text.length <= 24 && /^(\p{Extended_Pictographic}[\p{M}\p{Emoji_Modifier}\u200d\ufe0f]*\s*){1,3}$/u.test(text);

/** "/me waves" is how libpurple hands over what somebody does. */
const ACTION = "/me ";

function Said({ message }: { message: Message }) {
  if (!message.text.startsWith(ACTION) || !message.spans[0]?.text.startsWith(ACTION)) return <Spans spans={message.spans} text={message.text} />;
  const [first, ...rest] = message.spans;
  return <i>{nameOf(message)} <Spans spans={[{ ...first, text: first.text.slice(ACTION.length) }, ...rest]} /></i>;
}

const nameOf = (message: Message): string => message.from?.alias || message.from?.name || "";

/** Nobody knows whether it was sent: its writer decides, and nothing is sent twice by itself. */
function Doubt({ message, talk }: { message: Line; talk: string }) {
  if (isSettled(talk, message.id)) return null;
  return (
    <div class="after">
      <button type="button" class="text-link" data-testid="message-retry" onClick={() => sendAgain(talk, message)}>{w.talk.sendAgain}</button>
      <button type="button" class="text-link" data-testid="message-discard" onClick={() => settle(talk, message.id)}>{w.talk.leaveIt}</button>
    </div>
  );
}

const Bubble = memo(function Bubble({ message, talk, first, last, room }: { message: Line; talk: string; first: boolean; last: boolean; room: boolean }) {
  const self = message.from?.self === true;
  const state = message.state ?? (self ? "sent" : "received");
  const marks = [message.delayed && w.talk.delayed, message.auto_reply && w.talk.auto, state === "pending" && w.talk.sending, state === "failed" && w.talk.failed, state === "unknown" && w.talk.unknown].filter(Boolean).join(" · ");
  const classes = ["row", self ? "mine" : "theirs", first && "first", last && "last", message.highlight && "highlight", state === "pending" && "pending", state === "failed" && "failed", state === "unknown" && "doubtful"].filter(Boolean).join(" ");
  const time = <time dateTime={message.time} title={new Date(message.time).toLocaleString()}>{clock(message.time)}</time>;
  return (
    <div class={classes} data-testid="message" data-state={state} data-self={self} data-id={message.id}>
      {room && !self && (first ? <Avatar name={nameOf(message)} size={28} /> : <span class="avatar-gap" />)}
      <div class={onlyEmoji(message.text) ? "bubble emoji" : "bubble"}>
        {room && !self && first && <b class={`nick nick-${nickHue(message.from?.name ?? "")}`}>{nameOf(message)}</b>}
        <span class="said" data-testid="message-text"><Said message={message} /></span>
        <span class="meta">{marks && <span>{marks}</span>}{(last || marks) && time}</span>
      </div>
      {self && state === "unknown" && <Doubt message={message} talk={talk} />}
    </div>
  );
});

function Out({ item }: { item: Extract<LogItem, { kind: "outgoing" }> }) {
  const { out } = item;
  const again = () => {
    discardOutgoing(out.conversation, out.command);
    sendMessage(out.conversation, out.text, out.spans);
  };
  const edit = () => {
    discardOutgoing(out.conversation, out.command);
    putBack.value = { conversation: out.conversation, text: out.text };
  };
  const bad = out.state !== "pending";
  return (
    <div class={`row mine ${item.first ? "first" : ""} ${item.last ? "last" : ""} ${out.state === "pending" ? "pending" : out.state === "unknown" ? "doubtful" : "failed"}`} data-testid="message" data-state={out.state} data-self="true">
      <div class="bubble">
        <span class="said" data-testid="message-text">{out.text}</span>
        <span class="meta"><span>{out.state === "pending" ? w.talk.sending : out.state === "unknown" ? w.talk.unknown : w.talk.failed}</span></span>
      </div>
      {bad && (
        <div class="after">
          {out.error && out.state === "failed" && <span>{errorText(out.error)}</span>}
          <button type="button" class="text-link" data-testid="message-retry" onClick={again}>{out.state === "unknown" ? w.talk.sendAgain : w.talk.again}</button>
          {out.state === "failed" && <button type="button" class="text-link" data-testid="message-edit" onClick={edit}>{w.talk.edit}</button>}
          <button type="button" class="text-link" data-testid="message-discard" onClick={() => discardOutgoing(out.conversation, out.command)}>{w.talk.discard}</button>
        </div>
      )}
    </div>
  );
}

function SystemLine({ item }: { item: Extract<LogItem, { kind: "system" }> }) {
  const open = useSignal(false);
  if (item.count === 1) return <p class={item.message.state === "failed" ? "line bad" : "line"} data-testid="system"><Spans spans={item.message.spans} text={item.message.text} /></p>;
  return (
    <div class="line" data-testid="system">
      <button type="button" class="text-link quiet" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>{w.talk.joined(item.count)}</button>
      {open.value && item.texts.map((text, at) => <p key={at}>{text}</p>)}
    </div>
  );
}

function Row({ item, talk, room }: { item: LogItem; talk: string; room: boolean }) {
  switch (item.kind) {
    case "day":
      return <p class="line day"><span>{dayName(item.time, serverNow())}</span></p>;
    case "unread":
      return <p class="line new" data-testid="unread-line"><span>{w.talk.newLine}</span></p>;
    case "system":
      return <SystemLine item={item} />;
    case "message":
      return <Bubble message={item.message} talk={talk} first={item.first} last={item.last} room={room} />;
    case "outgoing":
      return <Out item={item} />;
  }
}

export function Log({ talk, icon }: { talk: Talk; icon?: string | null | undefined }) {
  const box = useRef<HTMLDivElement>(null);
  const stick = useRef(true);
  const height = useRef(0);
  const behind = useSignal(0);
  const limit = useSignal(SHOWN);
  const seen = useRef(talk.messages.length);
  const sending = outgoing.value.get(talk.id);
  const from = unreadFrom.value.get(talk.id) ?? null;
  const items = useMemo(() => logItems(talk.messages, sending ?? [], from), [talk.messages, sending, from]);
  const visible = items.length > limit.value ? items.slice(items.length - limit.value) : items;
  const firstKey = visible[0]?.key;
  const room = talk.kind === "room";

  const lastOwn = sending?.at(-1)?.command;
  useLayoutEffect(() => {
    // What one says oneself is always in sight.
    if (lastOwn) stick.current = true;
  }, [lastOwn]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (stick.current) element.scrollTop = element.scrollHeight;
    else behind.value += Math.max(0, talk.messages.length - seen.current);
    seen.current = talk.messages.length;
  }, [items]);

  useLayoutEffect(() => {
    // Rows were put in above: what one reads stays where it is.
    const element = box.current;
    if (!element) return;
    if (!stick.current && height.current > 0) element.scrollTop += element.scrollHeight - height.current;
    height.current = element.scrollHeight;
  }, [firstKey]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver !== "function") return;
    const observer = new ResizeObserver(() => {
      if (stick.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    stick.current = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
    height.current = element.scrollHeight;
    if (stick.current) behind.value = 0;
    if (active.peek() === talk.id) atEnd.value = stick.current;
    if (element.scrollTop < 120) {
      if (limit.value < items.length) limit.value += SHOWN;
      else void loadEarlier(talk.id);
    }
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (active.value === talk.id) atEnd.value = stick.current;
    // Too short to scroll: fetch what came before at once.
    if (element && element.scrollHeight <= element.clientHeight && talk.more) void loadEarlier(talk.id);
  }, [active.value, talk.more]);

  const latest = () => {
    stick.current = true;
    box.current?.scrollTo({ top: box.current.scrollHeight, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };
  return (
    <div class="log-frame">
      <div class={room ? "log room-log" : "log"} ref={box} onScroll={scrolled} role="log" aria-live="off" aria-label={w.talk.log} tabIndex={0}>
        <div class="log-rows">
          {items.length === 0 && !talk.more && (
            <div class="line hello"><Avatar name={talk.title} icon={icon} room={room} size={64} /><p>{room ? w.talk.emptyRoom : w.talk.empty(talk.title)}</p></div>
          )}
          {items.length > 0 && !talk.more && talk.messages.length > 20 && <p class="line">{w.talk.start}</p>}
          {visible.map((item) => <Row key={item.key} item={item} talk={talk.id} room={room} />)}
        </div>
      </div>
      {!stick.current && (
        <button type="button" class="latest" onClick={latest} data-testid="jump-latest">
          <Icon name="down" size={16} />{behind.value > 0 ? w.talk.latestCount(behind.value) : w.talk.latest}
        </button>
      )}
    </div>
  );
}
